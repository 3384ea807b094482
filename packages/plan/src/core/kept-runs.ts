/**
 * Which runs that are over are kept: the newest ones. Those of one task, as most that people ask for in passing, are
 * counted by themselves, so that a script which promotes every minute does not push releases and rollouts out.
 */
import type { RunSummary } from "./run-status.js";

/** Those to be removed. @param over oldest first @param kept of each sort */
export function runsToRemove(over: readonly RunSummary[], kept: number): readonly string[] {
  const isSmall = ({ counts }: RunSummary) => counts.tasks <= 1;
  const small = over.filter(isSmall);
  const large = over.filter((summary) => !isSmall(summary));
  return [small, large].flatMap((sort) =>
    sort.slice(0, Math.max(0, sort.length - kept)).map(({ run }) => run),
  );
}
