/**
 * A journal in memory that outlives simulated engines, with faults: it can be full, and it can be the last thing
 * that a life of the engine does.
 */
import { PropagitError } from "@propagit/protocol";
import type { RunSummary } from "../core/run-status.js";
import type { Plan } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import type { Journal, RunHead } from "../world.js";

interface Kept {
  readonly plan: Plan;
  readonly events: RunEvent[];
  summary?: RunSummary;
}

export class SimJournal implements Journal {
  /** Asked before each write: true when the disk does not take it. */
  isFull: () => boolean = () => false;
  readonly #runs = new Map<string, Kept>();

  async create(run: string, plan: Plan): Promise<void> {
    this.#checkRoom();
    if (this.#runs.has(run)) throw new PropagitError("EXISTS", `there is a plan ${run} already`);
    this.#runs.set(run, { plan, events: [] });
  }

  async append(run: string, events: readonly RunEvent[]): Promise<void> {
    const kept = this.#find(run);
    this.#checkRoom();
    for (const event of events) kept.events.push(event);
  }

  async read(run: string): Promise<{ readonly plan: Plan; readonly events: readonly RunEvent[] }> {
    const { plan, events } = this.#find(run);
    return { plan, events: [...events] };
  }

  async list(): Promise<readonly RunHead[]> {
    return [...this.#runs]
      .map(([run, { summary }]) => (summary === undefined ? { run } : { run, summary }))
      .reverse();
  }

  async conclude(run: string, summary: RunSummary | undefined): Promise<void> {
    const kept = this.#find(run);
    this.#checkRoom();
    if (summary === undefined) delete kept.summary;
    else kept.summary = summary;
  }

  async take(run: string): Promise<boolean> {
    this.#find(run);
    return true;
  }

  async release(): Promise<void> {}

  async remove(run: string): Promise<void> {
    this.#runs.delete(run);
  }

  async close(): Promise<void> {}

  #find(run: string): Kept {
    const kept = this.#runs.get(run);
    if (!kept) throw new PropagitError("NO_PLAN", `there is no plan ${run}`);
    return kept;
  }

  #checkRoom(): void {
    if (this.isFull()) throw new PropagitError("DATA_UNUSABLE", "the journal is full: ENOSPC");
  }
}
