/** Carries a plan out by hand: what tasks end with is said by the test, in virtual steps of time. */
import { Run } from "../../src/core/run.js";
import { eventOfEnd } from "../../src/core/task-end.js";
import type { Plan, TaskId } from "../../src/plan.js";
import type { RunAsk, RunEvent } from "../../src/run-event.js";
import type { TaskEnd } from "../../src/world.js";

export class Drive {
  readonly run: Run;
  readonly events: RunEvent[] = [];
  now: number;

  constructor(plan: Plan, now = 1_000) {
    this.run = new Run(plan);
    this.now = now;
    const begun: RunEvent = { at: now, kind: "run-begun", by: "anna", locks: [] };
    this.run.apply(begun);
    this.events.push(begun);
  }

  /** What follows of it, in short words. */
  take(event: RunEvent): readonly string[] {
    this.run.apply(event);
    this.events.push(event);
    return this.look();
  }

  look(): readonly string[] {
    const events = this.run.advance(this.now);
    this.events.push(...events);
    return events.map(short);
  }

  /** Lets time pass, and looks. */
  pass(ms: number): readonly string[] {
    this.now += ms;
    return this.look();
  }

  end(task: TaskId, end: TaskEnd | TaskEnd["outcome"] = "done"): readonly string[] {
    const ran = this.run.taskRun(task);
    if (!ran) throw new Error(`${task} has not begun`);
    const whole = typeof end === "string" ? { outcome: end } : end;
    return this.take(eventOfEnd(this.run.task(task), ran, whole, this.now));
  }

  ask(ask: RunAsk | Exclude<RunAsk["kind"], "stop">, by = "ben"): readonly string[] {
    const whole: RunAsk = typeof ask === "string" ? { kind: ask } : ask;
    return this.take({ at: this.now, kind: "asked", ask: whole, by });
  }
}

/** `begin 1.2.1`, `stage 1 done` … */
export function short(event: RunEvent): string {
  switch (event.kind) {
    case "task-begun":
      return `begin ${event.task}${event.attempt === 1 ? "" : ` again (${event.attempt})`}`;
    case "task-ended":
      return `${event.task} ${event.outcome}`;
    case "task-retries":
      return `${event.task} retries`;
    case "stage-waits":
      return `stage ${event.stage} waits${event.until === undefined ? "" : ` until ${event.until}`}`;
    case "stage-begun":
      return `stage ${event.stage} begins`;
    case "stage-ended":
      return `stage ${event.stage} ${event.outcome}`;
    case "gate-open":
      return `gate ${event.stage}.${event.gate} open`;
    case "gate-refused":
      return `gate ${event.stage}.${event.gate} refused`;
    case "run-ended":
      return `run ${event.outcome}`;
    case "rollback-begun":
      return "rollback";
    case "run-begun":
    case "run-queued":
    case "asked":
      return event.kind;
    default:
      return event satisfies never;
  }
}
