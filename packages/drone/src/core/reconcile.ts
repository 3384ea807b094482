/** What to do so that what runs becomes what is desired. */
import type { Deployment } from "@propagit/protocol";

/** An instance as far as this decision needs it. */
export interface Running extends Deployment {
  readonly process: string;
  /** It is on its way out and will be gone; its place is taken until then. */
  readonly isEnding: boolean;
}

export interface Reconciliation {
  readonly start: readonly Deployment[];
  /** PROCESS_IDs. */
  readonly stop: readonly string[];
  /** PROCESS_IDs of those that stay. */
  readonly keep: readonly string[];
}

/**
 * A commit that is desired again while its old instance still ends is not started yet: two processes
 * of one commit never overlap. The caller asks again when that instance is gone.
 */
export function reconcile(
  desired: readonly Deployment[],
  running: readonly Running[],
): Reconciliation {
  const wanted = new Map(desired.map((deployment) => [keyOf(deployment), deployment]));
  const taken = new Set(running.map(keyOf));
  const living = running.filter(({ isEnding }) => !isEnding);
  const isWanted = (instance: Running) => wanted.has(keyOf(instance));
  return {
    start: [...wanted].filter(([key]) => !taken.has(key)).map(([, deployment]) => deployment),
    stop: living.filter((instance) => !isWanted(instance)).map(({ process }) => process),
    keep: living.filter(isWanted).map(({ process }) => process),
  };
}

function keyOf({ repo, commit }: Deployment): string {
  return `${repo} ${commit}`;
}
