/** How a rollout ended: what is said, and the error that a command ends with. */
import {
  PropagitError,
  shortCommit,
  type DroneOutcome,
  type ErrorCode,
  type RolloutPhase,
  type RolloutResult,
} from "@propagit/protocol";
import { dimColour, goodColour } from "./colour.js";
import { formatDuration } from "./duration.js";
import { formatCount, formatNames } from "./quantity.js";
import { inEnvironment } from "./route.js";
import { plainText } from "./text-width.js";

/** What is said of a rollout that went well, with the places where visitors find it; else the last output. */
export function formatEnd(result: RolloutResult, tookMs: number | undefined): string {
  const what = nameOf(result);
  const places = result.hosts.map((host) => `  ${host}\n`).join("");
  const ready = result.drones.filter(isReady).length;
  switch (result.outcome) {
    case "ready": {
      // Of one that ended long ago the beginning is all that is told.
      const took = tookMs ? ` in ${formatDuration(tookMs)}` : "";
      const end = goodColour(`${what} is ready${onDrones(ready)}`);
      return `${end}${visitors(result)}\n${dimColour(`release ${result.release}${took}`)}\n${places}`;
    }
    case "accepted":
      return `${what} is on its way\n`;
    case "unchanged":
      return `${what} runs already${onDrones(ready)}; nothing changed\n${places}`;
    case "failed":
    case "cancelled":
      return (result.lastLines ?? []).map((line) => dimColour(`  | ${plainText(line)}\n`)).join("");
    case "superseded":
      return "";
    default:
      return result.outcome satisfies never;
  }
}

/** The error that says how it failed; undefined when it went well. */
export function endError(
  result: RolloutResult,
  phase: RolloutPhase | undefined,
): PropagitError | undefined {
  const { repo, environment, release } = result;
  const what = `release ${release} of ${repo}${inEnvironment(environment)}`;
  const because = result.reason === undefined ? "" : `: ${plainText(result.reason)}`;
  switch (result.outcome) {
    case "ready":
    case "unchanged":
    case "accepted":
      return undefined;
    case "failed":
      return failure(result, phase);
    case "cancelled":
      return new PropagitError("CANCELLED", `${what} was cancelled${because}`);
    case "superseded":
      return new PropagitError("SUPERSEDED", `${what} was replaced by a newer one${because}`);
    default:
      return result.outcome satisfies never;
  }
}

function failure(result: RolloutResult, phase: RolloutPhase | undefined): PropagitError {
  const { repo, release, drones, reason } = result;
  const failed = drones.filter(({ outcome }) => outcome === "failed");
  const show = `propagit release show ${repo} ${release}${flagOf(result)}`;
  const code = failureCode(phase);
  if (code !== "DEPLOY_FAILED") {
    const why = reason === undefined ? "" : `: ${plainText(reason)}`;
    const message = `release ${release} of ${nameOf(result)} failed while ${phase}${why}`;
    return new PropagitError(code, message, {
      hint: `mend it and push again; see it all: ${show}`,
    });
  }
  const reasons = failed.map(({ drone, reason: why }) =>
    why === undefined ? drone : `${drone} (${plainText(why)})`,
  );
  const where = ` on ${failed.length} of ${formatCount(drones.length, "drone")}: ${formatNames(reasons)}`;
  const why = reason === undefined ? "" : `: ${plainText(reason)}`;
  const message = `${nameOf(result)} is not ready${failed.length > 0 ? where : why}`;
  return new PropagitError(code, message, {
    hint: `what ran before goes on; fix it, push and deploy again; see it all: ${show}`,
  });
}

/** By the phase in which it failed, so that exit codes and scripts can tell. */
function failureCode(phase: RolloutPhase | undefined): ErrorCode {
  switch (phase) {
    case "building":
      return "BUILD_FAILED";
    case "testing":
      return "TEST_FAILED";
    case "releasing":
      return "RELEASE_FAILED";
    case "queued":
    case "starting":
    case "promoting":
    case "undoing":
    case undefined:
      return "DEPLOY_FAILED";
    default:
      return phase satisfies never;
  }
}

function visitors(result: RolloutResult): string {
  const { repo, commit, release, promoted, environment } = result;
  if (promoted && release === 1) return "; it is the first one, so visitors get it";
  if (promoted) return "; visitors get it";
  const flag = flagOf({ environment });
  if (result.stepping) {
    return `; its visitors come step by step: propagit rollout status ${repo}${flag} --follow`;
  }
  return `; visitors stay where they are until: propagit promote ${repo} ${shortCommit(commit)}${flag}`;
}

function flagOf({ environment }: { readonly environment: string }): string {
  return inEnvironment(environment) === "" ? "" : ` -e ${environment}`;
}

function nameOf({ repo, commit, environment }: RolloutResult): string {
  return `${repo} ${shortCommit(commit)}${inEnvironment(environment)}`;
}

function onDrones(count: number): string {
  return count === 0 ? "" : ` on ${formatCount(count, "drone")}`;
}

function isReady({ outcome }: DroneOutcome): boolean {
  return outcome === "ready" || outcome === "unchanged";
}
