/** Which changes of an instance are worth an event, and in which words. */
import { environmentDefault, shortCommit, type InstanceReport } from "@propagit/protocol";
import type { NewEvent } from "./rows.js";

/** Characters of a reason that go into an event. */
const reasonCharsMax = 1_000;

export function instanceEvent(
  drone: string,
  before: InstanceReport | undefined,
  now: InstanceReport,
): NewEvent | undefined {
  const { repo, commit, environment, release, phase, port, reason = "no reason given" } = now;
  if (before?.phase === phase) return undefined;
  const what = describeInstance(now);
  const where = {
    repo,
    commit,
    ...(environment !== undefined && { environment }),
    ...(release !== undefined && { release }),
    drone,
  };
  switch (phase) {
    case "ready": {
      const on = port === undefined ? "" : `, port ${port}`;
      return { kind: "instance-ready", ...where, text: `${what} is ready on ${drone}${on}` };
    }
    case "failed": {
      const why = reason.slice(0, reasonCharsMax);
      return { kind: "instance-failed", ...where, text: `${what} failed on ${drone}: ${why}` };
    }
    case "stopped":
      return { kind: "instance-stopped", ...where, text: `${what} stopped on ${drone}` };
    case "waiting":
    case "fetching":
    case "checking-out":
    case "starting":
    case "restarting":
    case "stopping":
      return undefined;
    default:
      return phase satisfies never;
  }
}

/**
 * What it is in words: the slot only where there are several, the environment where it is not the usual one.
 *
 *     http of webapp 74336bc          http.2 of webapp 74336bc (release 12 in staging)
 */
export function describeInstance(report: InstanceReport): string {
  const { repo, commit, service, slot = 1, release, environment = environmentDefault } = report;
  const numbered = slot > 1 ? `${service}.${slot}` : service;
  const details = [
    ...(release === undefined ? [] : [`release ${release}`]),
    ...(environment === environmentDefault ? [] : [`in ${environment}`]),
  ].join(" ");
  return `${numbered} of ${repo} ${shortCommit(commit)}${details && ` (${details})`}`;
}
