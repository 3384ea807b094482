/**
 * What happened to a run, on its way to the disk. One batch is under way at a time; what happens meanwhile is
 * the next one (group commit), and nothing is told or done of an event before it is on disk.
 *
 *     add --> waiting --> [batch] --append--> on disk --> onWritten
 *                            ^-- retry, growing delay --< the journal fails: suspended
 */
import { backoffMs, type Clock, type Log, type Random, type Timer } from "@propagit/runtime";
import { batchLength, batchMax } from "./core/event-batch.js";
import type { Suspension } from "./core/run-status.js";
import type { RunEvent } from "./run-event.js";
import type { Journal } from "./world.js";

/** A disk that was full may have room at any moment, and looking costs little. */
const journalBackoff = { firstMs: 500, maxMs: 30_000 };

export interface RunWriterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly journal: Journal;
  readonly run: string;
  /** Events that are on disk already. */
  readonly written: number;
  readonly onWritten: (events: readonly RunEvent[], first: number) => void;
  readonly batchEventsMax?: number;
}

export class RunWriter {
  readonly #options: RunWriterOptions;
  #waiting: RunEvent[] = [];
  #written: number;
  #isWriting = false;
  #isClosed = false;
  #suspended: Suspension | undefined;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  #marks: { readonly at: number; readonly reached: () => void }[] = [];

  constructor(options: RunWriterOptions) {
    this.#options = options;
    this.#written = options.written;
  }

  /** Events on disk. */
  get written(): number {
    return this.#written;
  }

  get suspended(): Suspension | undefined {
    return this.#suspended;
  }

  add(event: RunEvent): void {
    this.#waiting.push(event);
    if (!this.#isWriting) void this.#writeAll();
  }

  /** Resolves once all that was added so far is on disk; never when it is closed before. */
  flushed(): Promise<void> {
    const at = this.#written + this.#waiting.length;
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((reached) => {
      this.#marks.push({ at, reached });
    });
  }

  /** What is not on disk yet will not be. */
  close(): void {
    this.#isClosed = true;
    this.#pause?.timer.cancel();
    this.#pause?.end();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // What else happens in this moment goes with it.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const { batchEventsMax = batchMax.events } = this.#options;
      const count = batchLength(this.#waiting, batchEventsMax);
      const batch = this.#waiting.slice(0, count);
      await this.#append(batch);
      if (this.#isClosed) return;
      this.#waiting = this.#waiting.slice(count);
      const first = this.#written;
      this.#written += count;
      this.#options.onWritten(batch, first);
      this.#reachMarks();
    }
    this.#isWriting = false;
  }

  async #append(batch: readonly RunEvent[]): Promise<void> {
    const { journal, run, log } = this.#options;
    for (let attempt = 1; !this.#isClosed; attempt++) {
      try {
        await journal.append(run, batch);
        if (this.#suspended) log.info(`plan ${run} goes on: its journal can be written again`);
        this.#suspended = undefined;
        return;
      } catch (thrown) {
        await this.#suspend(thrown, attempt);
      }
    }
  }

  async #suspend(thrown: unknown, attempt: number): Promise<void> {
    const { clock, random, run, log } = this.#options;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    if (!this.#suspended) {
      log.warn(`plan ${run} waits, nothing of it is lost: its journal cannot be written: ${why}`);
    }
    this.#suspended = { since: this.#suspended?.since ?? clock.now(), why };
    const delayMs = backoffMs(journalBackoff, attempt, random.fraction());
    await new Promise<void>((end) => {
      this.#pause = { timer: clock.after(delayMs, end), end };
    });
  }

  #reachMarks(): void {
    if (this.#marks.length === 0) return;
    const reached = this.#marks.filter(({ at }) => at <= this.#written);
    this.#marks = this.#marks.filter(({ at }) => at > this.#written);
    for (const mark of reached) mark.reached();
  }
}
