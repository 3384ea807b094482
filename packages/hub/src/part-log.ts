/** What was heard of parts of plans that relays carry out: in the hub's journal, in the order of their numbers. */
import { toPropagitError, type PlanDelegation } from "@propagit/protocol";
import { Run, type Journal, type PlanPart, type RunEvent } from "@propagit/plan";

type Line = PlanDelegation["line"];

/** A part as far as it was heard of. */
export interface HeardPart {
  readonly part: PlanPart;
  run: Run;
  /** Events that are in `run`. */
  heard: number;
  line: Line;
}

export interface ToldEvent {
  readonly index: number;
  readonly event: RunEvent;
}

/** The newest, for whoever looks at plans that are over; twice as many as the hub keeps plans. A guess. */
const partsKept = 400;

export class PartLog {
  readonly #journal: Journal;
  readonly #heard = new Map<string, Promise<HeardPart>>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The same for all who ask, until it is tidied away. @throws DATA_UNUSABLE */
  of(part: PlanPart): Promise<HeardPart> {
    const found = this.#heard.get(part.run);
    if (found) return found;
    const made = this.#read(part);
    this.#heard.set(part.run, made);
    made.catch(() => this.#heard.delete(part.run));
    return made;
  }

  /** What is new of it, which is to be written. */
  hear(heard: HeardPart, told: readonly ToldEvent[]): readonly RunEvent[] {
    const events: RunEvent[] = [];
    for (const { index, event } of told) {
      if (index !== heard.heard) continue;
      heard.run.apply(event);
      heard.heard += 1;
      events.push(event);
    }
    return events;
  }

  /** On disk when it resolves. @throws DATA_UNUSABLE */
  async write({ part }: HeardPart, events: readonly RunEvent[]): Promise<void> {
    if (events.length > 0) await this.#journal.append(part.run, events);
  }

  /** What could not be written is forgotten, to be heard again. @throws DATA_UNUSABLE */
  async reread(heard: HeardPart): Promise<void> {
    const { events } = await this.#journal.read(heard.part.run);
    heard.run = new Run(heard.part.plan, events);
    heard.heard = events.length;
  }

  /** As far as it was heard of, which may be nothing. */
  async seen(part: PlanPart): Promise<Pick<HeardPart, "run" | "line">> {
    const heard = this.#heard.get(part.run);
    if (heard) return heard;
    try {
      const { plan, events } = await this.#journal.read(part.run);
      return { run: new Run(plan, events), line: lineAfter(events) };
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "NO_PLAN") throw thrown;
      return { run: new Run(part.plan), line: "waiting" };
    }
  }

  /** What is over is read from the journal when somebody wants to see it; the oldest goes. */
  async tidy(parts: readonly PlanPart[]): Promise<void> {
    for (const { run } of parts) this.#heard.delete(run);
    const heads = await this.#journal.list();
    for (const { run } of heads.slice(partsKept)) {
      if (!this.#heard.has(run)) await this.#journal.remove(run);
    }
  }

  async #read(part: PlanPart): Promise<HeardPart> {
    await this.#journal.create(part.run, part.plan).catch((thrown: unknown) => {
      if (toPropagitError(thrown).code !== "EXISTS") throw thrown;
    });
    const { events } = await this.#journal.read(part.run);
    const run = new Run(part.plan, events);
    return { part, run, heard: events.length, line: lineAfter(events) };
  }
}

function lineAfter(events: readonly RunEvent[]): Line {
  return events.length > 0 ? "cut" : "waiting";
}
