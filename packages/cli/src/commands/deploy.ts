import {
  PropagitError,
  shortCommit,
  toPropagitError,
  type DeployResult,
  type DroneProgress,
} from "@propagit/protocol";
import { nodeClock, sleep } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { goodColour } from "../output/colour.js";
import { print, printJson } from "../output/print.js";
import { formatProgress } from "../output/progress.js";

/** 128 and the signal's number, as shells have it. */
const interruptedExitCode = 130;

interface DeployFlags extends HubFlags {
  readonly json?: boolean;
}

export function deployCommand(): Command {
  const command = withHubFlags(
    new Command("deploy")
      .summary("run a commit on every drone, beside the ones that run already")
      .description(
        "Deploys a commit to every drone and prints a line per drone as things happen. Ends with 0 only when every drone is ready.",
      )
      .argument("<repo>", "the repository, as it was pushed")
      .argument("<commit>", "full hash, unique prefix, branch or tag"),
  ).option("--json", "print the result as JSON");
  return examples(command, [
    "propagit deploy --hub=localhost:6001 --secret=beepboop webapp 74336bc",
    "propagit deploy webapp master",
  ]).action(deploy);
}

async function deploy(repo: string, ref: string, flags: DeployFlags): Promise<void> {
  const show = flags.json ? () => undefined : linesOnce();
  process.once("SIGINT", leave);
  const result = await deployThroughRestarts(repo, ref, flags, show);
  if (flags.json) printJson(result);
  else print(summary(result));
  if (result.outcome === "failed") throw failure(result);
}

/** ^C ends the looking on, not the deploy: the hub has accepted it. */
function leave(): never {
  process.stderr.write(
    "\nthe deploy goes on; look at it with `propagit ps` and `propagit events`\n",
  );
  process.exit(interruptedExitCode);
}

/** Time for a hub that was lost during a deploy to come back; it resumes what it accepted. */
const hubBackMsMax = 30_000;
const hubBackPauseMs = 500;

/**
 * Asks the hub, and asks again when it was lost on the way: an accepted deploy goes on without us, and
 * asking for the same one joins it.
 */
async function deployThroughRestarts(
  repo: string,
  ref: string,
  flags: HubFlags,
  onPart: (progress: DroneProgress) => void,
): Promise<DeployResult> {
  let accepted = false;
  let deadline = Number.POSITIVE_INFINITY;
  for (;;) {
    try {
      const listen = (part: DroneProgress) => {
        accepted = true;
        deadline = Number.POSITIVE_INFINITY;
        onPart(part);
      };
      return await withHub(flags, (hub) =>
        hub.call("hub.deploy", { repo, ref }, { limitMs: 0, onPart: listen }),
      );
    } catch (thrown) {
      const { code } = toPropagitError(thrown);
      const isLost = code === "LINK_LOST" || (accepted && code === "UNREACHABLE");
      if (!isLost || nodeClock.monotonic() > deadline) throw thrown;
      if (deadline === Number.POSITIVE_INFINITY) {
        process.stderr.write("the hub was lost on the way; waiting for it to come back\n");
        deadline = nodeClock.monotonic() + hubBackMsMax;
      }
      accepted = true;
      await sleep(nodeClock, hubBackPauseMs);
    }
  }
}

/** Prints progress; what was printed before the hub was lost is not printed again. */
function linesOnce(): (progress: DroneProgress) => void {
  const printed = new Set<string>();
  return (progress) => {
    const line = formatProgress(progress);
    if (!printed.has(line)) print(line);
    printed.add(line);
  };
}

function summary({ repo, commit, outcome, promoted, drones }: DeployResult): string {
  const what = `${repo} ${shortCommit(commit)}`;
  const ready = drones.filter(({ outcome }) => outcome === "ready" || outcome === "unchanged");
  if (outcome === "failed") return "";
  if (outcome === "unchanged")
    return `${what} runs already on ${countDrones(ready.length)}; nothing changed\n`;
  const visitors = promoted ? "; it is the first one, so visitors get it" : "";
  return `${goodColour(`${what} is ready on ${countDrones(ready.length)}`)}${visitors}\n`;
}

function countDrones(count: number): string {
  return count === 1 ? "1 drone" : `${count} drones`;
}

function failure({ repo, commit, drones }: DeployResult): PropagitError {
  const failed = drones.filter(({ outcome }) => outcome === "failed");
  const names = failed.map(({ drone }) => drone).join(", ");
  return new PropagitError(
    "DEPLOY_FAILED",
    `${repo} ${shortCommit(commit)} is not ready on ${failed.length} of ${countDrones(drones.length)}: ${names}`,
    { hint: `fix it and deploy again, or give up: propagit stop ${repo} ${shortCommit(commit)}` },
  );
}
