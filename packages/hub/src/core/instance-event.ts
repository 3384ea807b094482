/** Which changes of an instance are worth an event, and in which words. */
import { shortCommit, type InstanceReport } from "@propagit/protocol";
import type { NewEvent } from "./rows.js";

/** Characters of a reason that go into an event. */
const reasonCharsMax = 1_000;

export function instanceEvent(
  drone: string,
  before: InstanceReport | undefined,
  now: InstanceReport,
): NewEvent | undefined {
  const { repo, commit, service, phase, port, reason = "no reason given" } = now;
  if (before?.phase === phase) return undefined;
  const what = `${service} of ${repo} ${shortCommit(commit)}`;
  const where = { repo, commit, drone };
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
