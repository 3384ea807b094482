/** What of a change of instances did not come about, in words. */
import type { FailedInstance, InstanceReport } from "@propagit/protocol";
import { someOf } from "./some-of.js";

/** Of more, only the number is told. */
const namedMax = 3;
const reasonCharsMax = 2_000;

/** As a result has them: nothing when there is none, as before there were any. */
export function failedIn(failed: readonly FailedInstance[]): { failed?: FailedInstance[] } {
  return failed.length === 0 ? {} : { failed: [...failed] };
}

/** Why a task failed, and what to do next; undefined when all of it came about. */
export function whyFailed(
  failed: readonly FailedInstance[] | undefined,
  next: string,
): string | undefined {
  if (!failed || failed.length === 0) return undefined;
  const named = failed.map(({ drone, process, reason }) => {
    return process === undefined ? `${drone}: ${reason}` : `${process} on ${drone}: ${reason}`;
  });
  return `${someOf(named, namedMax)}; ${next}`;
}

export function failedInstance(
  drone: string,
  reason: string,
  report?: InstanceReport,
): FailedInstance {
  const process = report && { process: report.process };
  return { drone, ...process, reason: reason.slice(0, reasonCharsMax) };
}

/** Instances that are not ready, each with its reason; one without a process when there is none at all. */
export function notReady(
  drone: string,
  reports: readonly InstanceReport[],
  late: string,
): readonly FailedInstance[] {
  if (reports.length === 0) return [failedInstance(drone, `nothing of it began ${late}`)];
  return reports.map((report) => {
    const { phase, reason = phase } = report;
    const why = phase === "failed" ? reason : `it was not ready ${late}: ${reason}`;
    return failedInstance(drone, why, report);
  });
}

/** For how long something was waited for: `within 5 min`. */
export function lateness(limitMs: number, { aborted }: Pick<AbortSignal, "aborted">): string {
  if (aborted) return "until it was called off";
  const minutes = Math.round(limitMs / 6_000) / 10;
  return `within ${minutes} min`;
}
