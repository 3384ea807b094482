import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { print } from "../output/print.js";
import { answerCredential, parseCredential } from "../project/credential.js";
import { readRemotes } from "../project/remotes.js";

/** Of what git writes to a helper. */
const askedCharsMax = 65_536;

export function credentialCommand(): Command {
  const command = new Command("credential")
    .summary("tell git the secret of a hub that has a name here")
    .description(
      "A credential helper for git, set up by `propagit init`: answers for hubs of `propagit remote`, so that no URL and no file of a project holds a secret. `store` and `erase` do nothing.",
    );
  command.addCommand(
    new Command("get").summary("answer git").description("Answers what git asks.").action(answer),
  );
  for (const name of ["store", "erase"]) {
    command.addCommand(
      new Command(name)
        .summary("nothing")
        .description("Does nothing; hubs are changed by `propagit remote`.")
        .action(() => undefined),
    );
  }
  return examples(command, ["git config credential.http://hub:6001.helper '!propagit credential'"]);
}

async function answer(): Promise<void> {
  let asked = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    asked += String(chunk);
    if (asked.includes("\n\n") || asked.length > askedCharsMax) break;
  }
  print(answerCredential(parseCredential(asked), readRemotes(), author()));
}
