/** A run, told to whoever is at the other end of a call: its events in parts, then what became of it. */
import { PropagitError, type PlanEvent, type PlanSummary } from "@propagit/protocol";
import { aborted } from "@propagit/runtime";
import { toldSummary } from "./core/told.js";
import type { PlanEngine } from "./engine.js";

/** Events of one part. */
const eventsAtOnce = 500;

export interface RunTelling {
  /** Number of the first event that is told. */
  readonly from: number;
  readonly part: (events: { index: number; event: PlanEvent }[]) => void;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
  /** What it is to whoever listens. */
  readonly what: "plan" | "part";
}

/**
 * Events that happen together are told together.
 *
 * @returns when the run is over
 * @throws NO_PLAN, DATA_UNUSABLE; LINK_LOST when nobody listens any more
 */
export async function followRun(
  engine: Pick<PlanEngine, "follow" | "over">,
  run: string,
  { from, part, signal, what }: RunTelling,
): Promise<PlanSummary> {
  let waiting: { index: number; event: PlanEvent }[] = [];
  const tell = () => {
    if (waiting.length > 0) part(waiting);
    waiting = [];
  };
  const following = await engine.follow(
    run,
    (event, index) => {
      if (waiting.length === 0) queueMicrotask(tell);
      waiting.push({ index, event: event as PlanEvent });
      if (waiting.length >= eventsAtOnce) tell();
    },
    from,
  );
  try {
    const summary = await Promise.race([engine.over(run), aborted(signal)]);
    tell();
    if (summary) return toldSummary(summary);
    throw new PropagitError("LINK_LOST", `${what} ${run} is no longer followed`);
  } finally {
    following.stop();
  }
}
