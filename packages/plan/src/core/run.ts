/**
 * Where a plan that is carried out stands, and what happens next. Pure: a run is the fold of its events, and
 * what follows from it depends on nothing but the time; so the same machine carries plans out, goes on after a
 * crash, and tells beforehand what will happen (`announce.ts`).
 *
 * A run:
 *
 *     run-queued --its locks are free--> run-begun --> stage 1 --> stage 2 --> … --> run-ended: done
 *                                                        |
 *                     a stage failed (onFailure: stop, rollback), or somebody asked to stop
 *                                                        |
 *                        nothing to undo, or not wanted  |  undo
 *                run-ended: failed | stopped <-----------+-----> rollback-begun --> its stages, the same way
 *                          ^                                              |                |
 *                          '--------------- it failed as well ------------'                v
 *                                                                                  run-ended: undone
 *     A run that is over begins again where it stopped when a person asks for a retry, unless it is undone; one that
 *     failed or was stopped begins its rollback when a person asks to take back what it did.
 *
 * A stage (its waiting: `opening.ts`; its lines and tasks: `stage-run.ts`):
 *
 *     ahead --its turn--> waiting --stage-begun--> running --all lines through--> done, or failed when one has that
 *                            |                        |                            may: the plan goes on
 *                            |                        |--more failed than may, rest finished--> failed
 *                            '--gate refused--> failed '--somebody asked to stop, rest finished--> stopped
 *
 * What is paused begins nothing; whatever it is, what is under way ends by itself and is told.
 */
import type { RunEvent } from "../run-event.js";
import { RunFold } from "./run-fold.js";
import { nextEvent, wakeTime } from "./run-next.js";

export class Run extends RunFold {
  /** The one event that follows now; undefined while nothing does but by an end, an answer or the time. */
  next(now: number): RunEvent | undefined {
    return nextEvent(this, now);
  }

  /** Events that follow now, applied already: one follows from the other. */
  advance(now: number): RunEvent[] {
    const events: RunEvent[] = [];
    for (let event = this.next(now); event; event = this.next(now)) {
      this.apply(event);
      events.push(event);
    }
    return events;
  }

  /** When something follows by the time alone. */
  get wakeAt(): number | undefined {
    return wakeTime(this);
  }
}
