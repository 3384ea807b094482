/** Runs a program. */
import { PropagitError } from "@propagit/protocol";
import {
  command as commandWords,
  described,
  object,
  oneOrMany,
  record,
  text,
  verbatim,
  whole,
  withDefault,
} from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { lastWords, placeOn } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

const variables = record(
  {
    pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
    why: "cannot be an environment variable: letters, digits and `_`",
    max: 200,
  },
  verbatim(16_384),
);

const args = object(
  {
    run: described(
      "A list is a program and its words; a text is a line for /bin/sh.",
      commandWords,
    ),
    directory: described("Where it runs (the home there, or where the engine runs).", hostPath),
    environment: described(
      "Variables beside those that it has anyway. No place for secrets: the plan shows them, and the list of processes there.",
      variables,
    ),
    input: described("What it reads (nothing).", text({ max: 65_536 })),
    creates: described("What it makes: it does not run when that is there.", hostPath),
    ifExists: described("What it needs: it does not run when that is not there.", hostPath),
    exit: described(
      "Exit codes that are no failure (0).",
      withDefault(oneOrMany(whole(0, 255), 50), 0),
    ),
    sudo,
  },
  ["run"],
);

export const execute = defineCommand({
  name: "execute",
  summary:
    "Runs a program, or a line of shell; with `creates`, only until that is there, with `ifExists`, only where that is.",
  args,
  describe({ run, directory, creates, ifExists, sudo: asRoot }) {
    const words = run[0] === "/bin/sh" && run[1] === "-c" ? run.slice(2) : run.map(shown);
    const where = directory === undefined ? "" : ` in ${shown(directory)}`;
    const unless = creates === undefined ? "" : `, unless there is ${shown(creates)}`;
    const when = ifExists === undefined ? "" : `, if there is ${shown(ifExists)}`;
    return `would run${asRoot ? " as root" : ""}${where}${unless}${when}: ${words.join(" ")}`;
  },
  async run(wanted, context) {
    const { run, directory, environment, input, creates, ifExists, exit, sudo: asRoot } = wanted;
    const { host, signal, say } = context;
    if (ifExists !== undefined && !(await host.exists(await placeOn(context, ifExists)))) {
      return { outcome: "unchanged", note: `${shown(ifExists)} is not there` };
    }
    if (creates !== undefined && (await host.exists(await placeOn(context, creates)))) {
      return { outcome: "unchanged", note: `${shown(creates)} is there` };
    }
    const settings = [...(environment ?? [])].map(([name, { value }]) => [name, value] as const);
    const ended = await host.execute(run, {
      sudo: asRoot,
      environment: Object.fromEntries(settings),
      signal,
      onOutput: say,
      ...(directory !== undefined && { directory: await placeOn(context, directory) }),
      ...(input !== undefined && { input }),
    });
    if (exit.includes(ended.code)) return { outcome: "done" };
    const words = lastWords(ended);
    const why = `ended with ${ended.code}${words === "" ? "" : `: ${words}`}`;
    throw new PropagitError("TASK_FAILED", `${shown(run.at(0) ?? "")} on ${host.name} ${why}`);
  },
  actsAgain: true,
  example: {
    run: ["/bin/sh", "-c", "date >made"],
    directory: "/srv/app",
    creates: "/srv/app/made",
  },
});
