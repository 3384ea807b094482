import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatDifference } from "../output/release.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

interface DiffFlags extends HubFlags, EnvironmentFlags {
  readonly json?: boolean;
}

export function diffCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("diff")
        .summary("what lies between two releases: commits, files, settings")
        .description(
          "Lists the commits, files and names of settings in which a release differs from another.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("<from>", "number of a release", asFlag(parseReleaseNumber))
        .argument("<to>", "number of another", asFlag(parseReleaseNumber)),
    ),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit diff webapp 12 14"]).action(
    async (repo: string, from: number, to: number, flags: DiffFlags) => {
      const difference = await withHub(flags, (hub) =>
        hub.call("hub.diff", { repo, from, to, ...environmentOf(flags) }),
      );
      if (flags.json) printJson(difference);
      else print(formatDifference(difference));
    },
  );
}
