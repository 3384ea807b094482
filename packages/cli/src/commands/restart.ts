import { PropagitError, type Part } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { badColour, goodColour } from "../output/colour.js";
import { formatFailed } from "../output/failed-instances.js";
import { print, printJson } from "../output/print.js";
import { formatCount } from "../output/quantity.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import {
  instanceTarget,
  parseProcess,
  parseRepoRelease,
  withTargetFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

interface RestartFlags extends DryRunFlags, TargetFlags {}

export function restartCommand(): Command {
  const command = withRestartWords(
    withHubFlags(
      new Command("restart")
        .summary("restart instances, one after the other")
        .description(
          "Restarts the instances that fit. On each drone one goes after the other, the next when the one before is ready again, so that visitors always find one that answers where there are several. Without a release or a process only what visitors get is restarted: former releases that are kept warm are left alone.",
        ),
    ),
  ).option("--json", "print the result as JSON");
  return examples(withDryRunFlag(command), [
    "propagit restart webapp",
    "propagit restart webapp --service=worker --label zone=eu",
  ]).action(restart);
}

/** Which instances; `plan restart` has the same words. */
export function withRestartWords(command: Command): Command {
  return withTargetFlags(
    command
      .argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease))
      .argument("[process...]", "ids of instances", asRepeatedFlag(parseProcess)),
  );
}

export function restartChange(
  what: RepoRelease,
  processes: readonly string[] | undefined,
  flags: TargetFlags,
): ChangeOf<"restart"> {
  return { kind: "restart", target: instanceTarget(what, flags, processes) };
}

async function restart(
  what: RepoRelease,
  processes: readonly string[],
  flags: RestartFlags,
): Promise<void> {
  const change = restartChange(what, processes, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  const params = { target: change.target, by: author() };
  const onPart = (part: Part<"hub.restart">) => {
    if (!flags.json) print(formatPart(part));
  };
  const result = await withHub(flags, (hub) =>
    hub.call("hub.restart", params, { limitMs: 0, onPart }),
  );
  if (flags.json) printJson(result);
  const { restarted, failed } = result;
  if (failed.length === 0) {
    if (!flags.json) print(`${formatCount(restarted, "instance")} restarted\n`);
    return;
  }
  throw new PropagitError(
    "COMMAND_FAILED",
    `${failed.length} of ${formatCount(restarted + failed.length, "instance")} are not ready again: ${formatFailed(failed)}`,
    { hint: `see why with: propagit logs ${what.repo}` },
  );
}

function formatPart({ drone, process, ready }: Part<"hub.restart">): string {
  const state = ready ? goodColour("ready again") : badColour("not ready");
  return `${drone.padEnd(12)} ${process} ${state}\n`;
}
