import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { inEnvironment } from "../output/route.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

export function pinCommand(): Command {
  const command = new Command("pin")
    .summary("keep a release, whatever retention says")
    .description("Pins a release: retention never stops or removes it.");
  return withPinning(command, true);
}

export function unpinCommand(): Command {
  const command = new Command("unpin")
    .summary("leave a pinned release to retention again")
    .description("Takes the pin from a release: retention treats it like any other.");
  return withPinning(command, false);
}

function withPinning(bare: Command, pinned: boolean): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      bare
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("<release>", "number of the release", asFlag(parseReleaseNumber)),
    ),
  );
  return examples(command, [`propagit ${bare.name()} webapp 12`]).action(
    async (repo: string, release: number, flags: HubFlags & EnvironmentFlags) => {
      const params = { repo, release, pinned, by: author(), ...environmentOf(flags) };
      await withHub(flags, (hub) => hub.call("hub.pin", params));
      const what = `release ${release} of ${repo}${inEnvironment(flags.environment)}`;
      print(pinned ? `${what} is pinned\n` : `${what} is left to retention\n`);
    },
  );
}
