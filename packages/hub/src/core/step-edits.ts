/**
 * That a change in one step was written, in the very change that has its effect. A later life of the hub that takes it
 * up again finds that, and does not write it a second time over what somebody said meanwhile.
 */
import type { Draft } from "./draft.js";
import type { HoldRow, StepRow } from "./rows.js";

/** What it was about when it was written, as far as looking on needs that. */
interface StepChoice {
  /** Of deployments, drones or processes. */
  readonly ids?: readonly string[];
  /** Of instances that were free to start again. */
  readonly places?: readonly HoldRow[];
}

/** How a desk says that a step is written, and hears that it was. */
export interface StepMark {
  /** What a former life of the hub has written: then nothing is to be written any more, only to be looked on. */
  readonly written?: StepRow | undefined;
  /** Of a step that is no part of a plan nothing takes it up again: it has none. */
  readonly mark?: ((draft: Draft, choice?: StepChoice) => void) | undefined;
}

export interface MarkedStep extends StepChoice {
  readonly run: string;
  /** Of its task. */
  readonly key: string;
  readonly now: number;
}

/** Far more than plans that are under way at once; for those of which nobody hears that they are over. A guess. */
export const stepsMax = 1_000;

export function markStep(draft: Draft, { run, key, now, ids = [], places = [] }: MarkedStep): void {
  draft.put("steps", key, { run, at: now, ids: [...ids], places: [...places] });
  const all = [...draft.rows("steps")];
  if (all.length <= stepsMax) return;
  const old = all.filter(([other]) => other !== key).sort(([, one], [, two]) => one.at - two.at);
  for (const [other] of old.slice(0, all.length - stepsMax)) draft.delete("steps", other);
}

/** Nobody takes up again what a run did before it ended. @param runs with the end of each that is over */
export function forgetSteps(draft: Draft, runs: readonly EndedRun[]): void {
  if (draft.rows("steps").size === 0) return;
  const ends = new Map(
    runs.map(({ run, state, endedAt }) => [run, state === "over" ? endedAt : undefined]),
  );
  for (const [key, { run, at }] of draft.rows("steps")) {
    const endedAt = ends.get(run);
    // Who tries it again writes it again.
    if (endedAt !== undefined && at <= endedAt) draft.delete("steps", key);
  }
}

interface EndedRun {
  readonly run: string;
  readonly state: string;
  readonly endedAt?: number | undefined;
}
