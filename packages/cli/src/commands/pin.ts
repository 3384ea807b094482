import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { inEnvironment } from "../output/route.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
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
  const command = withDryRunFlag(withReleaseWords(withHubFlags(bare)));
  return examples(command, [`propagit ${bare.name()} webapp 12`]).action(
    async (repo: string, release: number, flags: DryRunFlags & EnvironmentFlags) => {
      const change = pinChange(pinned ? "pin" : "unpin", repo, release, flags);
      if (flags.dryRun) return showDryRun(change, flags);
      const { kind: _, ...asked } = change;
      const params = { ...asked, pinned, by: author() };
      await withHub(flags, (hub) => hub.call("hub.pin", params));
      const what = `release ${release} of ${repo}${inEnvironment(flags.environment)}`;
      print(pinned ? `${what} is pinned\n` : `${what} is left to retention\n`);
    },
  );
}

/** Which one; `plan pin` has the same words. */
export function withReleaseWords(command: Command): Command {
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<release>", "number of the release", asFlag(parseReleaseNumber)),
  );
}

export function pinChange(
  kind: "pin" | "unpin",
  repo: string,
  release: number,
  flags: EnvironmentFlags,
): ChangeOf<"pin" | "unpin"> {
  return { kind, repo, release, ...environmentOf(flags) };
}
