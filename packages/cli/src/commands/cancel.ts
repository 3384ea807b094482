import { parseRepoName, PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { showDryRun, withDryRunFlag, type DryRunFlags } from "../plans/dry-run.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

export function cancelCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("cancel")
        .summary("end a release on its way and put everything back")
        .description(
          "Ends a release that is on its way or waits in the queue: what it started is stopped, what ran before goes on. Without a number it is the one under way.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("[release]", "number of the release", asFlag(parseReleaseNumber)),
    ),
  );
  return examples(withDryRunFlag(withRolloutFlags(command)), [
    "propagit cancel webapp",
    "propagit cancel webapp --dry-run",
    "propagit cancel webapp 14 -e staging",
  ]).action(cancel);
}

async function cancel(
  repo: string,
  release: number | undefined,
  flags: RolloutFlags & EnvironmentFlags & DryRunFlags,
): Promise<void> {
  const asked = {
    repo,
    ...environmentOf(flags),
    ...(release !== undefined && { release }),
  };
  if (flags.dryRun) return showDryRun({ kind: "cancel", ...asked }, flags);
  const params = { ...asked, by: author() };
  // Asked twice without a number it could cancel the next one, too.
  const result = await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.cancel", params, options),
    isRepeatable: release !== undefined,
    isFine: ({ outcome }) => outcome !== "ready" && outcome !== "unchanged",
  });
  if (!result) return;
  const what = `release ${result.release} of ${result.repo}`;
  if (result.outcome === "ready" || result.outcome === "unchanged") {
    throw new PropagitError("CHANGED_MEANWHILE", `${what} was ready before it could be cancelled`, {
      hint: `go back with: propagit rollback ${repo}`,
    });
  }
  const went = result.outcome === "cancelled" ? "is cancelled" : `was ${result.outcome} already`;
  if (!flags.json) print(`${what} ${went}; what ran before goes on\n`);
}
