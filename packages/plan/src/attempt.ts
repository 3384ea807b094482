/**
 * One attempt at a task: given to the executor, ended when its time is over or somebody says so.
 *
 *     executor.run ----------------------------------------> its end
 *          |-- timeout, or stop --> signal aborted
 *                                        |-- graceMs --> given up: what became of it nobody knows
 *                                        '-- stop of what outlives it --> its end, whenever that is
 */
import { isRefusal, toPropagitError } from "@propagit/protocol";
import type { Clock, Timer } from "@propagit/runtime";
import { dronesSeen, type DroneSeen, type DronesSeen } from "./core/drones-seen.js";
import { keptOutput } from "./core/task-end.js";
import { timeText } from "./core/time-text.js";
import type { Executor, TaskEnd, TaskOrder } from "./world.js";

/** An executor that was told to end a task has this long to do so; longer than SIGTERM, wait, SIGKILL. */
export const graceMs = 30_000;

/** What Node's timers can wait, about 24 days; a longer one would end at once. */
const timerMsMax = 2 ** 31 - 1;

export interface AttemptMeans {
  readonly clock: Clock;
  readonly executor: Executor;
}

/** Why it is cut short; the first reason stays. */
interface Cut {
  readonly outcome: "failed" | "stopped";
  readonly reason: string;
}

export class Attempt {
  readonly #means: AttemptMeans;
  readonly #order: TaskOrder;
  readonly #abort = new AbortController();
  readonly #lines: string[] = [];
  #drones: readonly DroneSeen[] | undefined;
  #timer: Timer | undefined;
  #cut: Cut | undefined;
  #giveUp: (end: TaskEnd) => void = () => undefined;

  constructor(means: AttemptMeans, order: TaskOrder) {
    this.#means = means;
    this.#order = order;
  }

  /** The newest of its output. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** Of those that have a part in it, within bounds. */
  get drones(): DronesSeen | undefined {
    return this.#drones && dronesSeen(this.#drones);
  }

  /** Its end; never rejects. */
  async run(): Promise<TaskEnd> {
    const { timeoutMs } = this.#order.task;
    this.#timer = this.#means.clock.after(Math.min(timeoutMs, timerMsMax), () => {
      this.#cutShort({ outcome: "failed", reason: `it took longer than ${timeText(timeoutMs)}` });
    });
    const givenUp = new Promise<TaskEnd>((resolve) => {
      this.#giveUp = resolve;
    });
    const end = await Promise.race([this.#execute(), givenUp]);
    this.#timer.cancel();
    const { drones } = this;
    return { lastLines: this.#lines, ...(drones && { drones }), ...end };
  }

  stop(reason: string): void {
    this.#cutShort({ outcome: "stopped", reason });
  }

  /** Nobody waits for it any more; what it does goes on. */
  leave(): void {
    this.#timer?.cancel();
  }

  async #execute(): Promise<TaskEnd> {
    try {
      const { signal } = this.#abort;
      const onOutput = (line: string) => this.#keep(line);
      const onDrones = (drones: readonly DroneSeen[]) => {
        this.#drones = drones;
      };
      const call = { signal, onOutput, onDrones };
      return this.#judge(await this.#means.executor.run(this.#order, call));
    } catch (thrown) {
      const { code, message } = toPropagitError(thrown);
      // Whoever had it is gone: it may have been done, and may go on.
      const isLost = this.#order.task.once && code === "LINK_LOST";
      const refused = isRefusal(code);
      return this.#judge({
        outcome: isLost ? "unknown" : "failed",
        reason: message,
        ...(refused && { refused }),
      });
    }
  }

  #cutShort(cut: Cut): void {
    if (this.#cut) return;
    this.#cut = cut;
    this.#timer?.cancel();
    this.#abort.abort();
    const { executor, clock } = this.#means;
    const { task } = this.#order;
    if (cut.outcome === "stopped" && executor.outlives?.(task)) return;
    this.#timer = clock.after(graceMs, () => {
      const { once } = task;
      const reason = `${cut.reason}, and it did not end when it was told to`;
      this.#giveUp({ outcome: once ? "unknown" : cut.outcome, reason });
    });
  }

  /** What was done in the end is done; what failed after it was told to end failed for that reason. */
  #judge(end: TaskEnd): TaskEnd {
    const cut = this.#cut;
    return cut && end.outcome === "failed" ? { ...end, ...cut } : end;
  }

  #keep(line: string): void {
    if (this.#lines.length >= keptOutput.lines) this.#lines.shift();
    this.#lines.push(line.slice(0, keptOutput.lineChars));
  }
}
