/** One release on its way, in memory: what was told of it so far, who listens, and its result. */
import type { RolloutProgress, RolloutResult } from "@propagit/protocol";
import type { TaskCall } from "@propagit/plan";
import type { Clock, Timer } from "@propagit/runtime";
import type { ReleaseCommand } from "./core/release-progress.js";
import type { TaskAnswer } from "./core/rollout-step.js";
import type { RolloutRow } from "./core/rows.js";
import { ToldOutput } from "./core/told-output.js";
import { Paced } from "./paced.js";

export type OnPart = (part: RolloutProgress) => void;

/** The task of its plan that the engine waits for. */
export interface AskedTask {
  readonly command: ReleaseCommand;
  readonly settle: (answer: TaskAnswer) => void;
  readonly onOutput: (line: string) => void;
  readonly onDrones: TaskCall["onDrones"];
  /** Names of those whose turn it is; undefined: all. */
  readonly drones: readonly string[] | undefined;
}

/** Lines of output that are kept for those who begin to listen later; a guess. */
const outputLinesMax = 5_000;

export class Rollout {
  /** As it was written last. */
  row: RolloutRow;
  /** Resolves when its end is written. */
  readonly result: Promise<RolloutResult>;
  /** What was told last of each drone; see `newLines`. */
  readonly told = new Map<string, string>();
  /** What was told last that it waits for. */
  waits: string | undefined;
  /** What was told last of drones that are not connected. */
  absent: string | undefined;
  isOver = false;
  /** The id of the task whose drone is being asked. */
  asking: string | undefined;
  asked: AskedTask | undefined;
  /** Resolves when its run has begun, or is known to be there. */
  begun: Promise<void> = Promise.resolve();
  /** Looks at the drones. */
  readonly looks: Paced;
  readonly #clock: Clock;
  #parts: RolloutProgress[] = [];
  readonly #listeners = new Set<OnPart>();
  #outputLines = 0;
  #output: { readonly task: string; readonly told: ToldOutput } | undefined;
  #timer: Timer | undefined;
  #resolve!: (result: RolloutResult | Promise<RolloutResult>) => void;
  #reject!: (error: unknown) => void;

  /** @param look what is done, paced, when something of the drones has changed */
  constructor(
    clock: Clock,
    row: RolloutRow,
    look: { readonly restMs: () => number; readonly work: () => void },
  ) {
    this.#clock = clock;
    this.row = row;
    this.looks = new Paced(clock, look.restMs, look.work);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody may be listening: whoever asked can have gone, and a restarted hub goes on alone.
    this.result.catch(() => undefined);
  }

  /** All parts, those from before first; until stopped. */
  follow(onPart: OnPart): { stop(): void } {
    for (const part of this.#parts) onPart(part);
    this.#listeners.add(onPart);
    return { stop: () => this.#listeners.delete(onPart) };
  }

  get now(): number {
    return this.#clock.now();
  }

  tell(part: RolloutProgress): void {
    this.#parts.push(part);
    if (part.kind === "output" && ++this.#outputLines > outputLinesMax) this.#dropOutput();
    for (const listener of this.#listeners) listener(part);
    if (part.kind === "output") this.asked?.onOutput(`${part.drone} | ${part.text}`);
  }

  /** The engine hears how its task has ended; an answer to another one is late, and for nobody. */
  settle(answer: TaskAnswer): void {
    const { asked } = this;
    if (asked?.command !== answer.command) return;
    this.asked = undefined;
    asked.settle(answer);
  }

  /** What was told of a task's output, which is now told from its beginning. */
  outputOf(task: string): ToldOutput {
    if (this.#output?.task !== task) this.#output = { task, told: new ToldOutput() };
    this.#output.told.restart();
    return this.#output.told;
  }

  /** Replaces the one before. */
  alarm(at: number | undefined, action: () => void): void {
    this.#timer?.cancel();
    if (at === undefined) return;
    this.#timer = this.#clock.after(Math.max(1, at - this.#clock.now()), action);
  }

  /** @param result to be told as soon as it is there; nothing else happens any more */
  finish(result: RolloutResult | Promise<RolloutResult>): void {
    this.#close();
    this.#resolve(result);
  }

  /** It never began, or the hub ends and the next one goes on; whoever waits is told. */
  abandon(error: unknown): void {
    this.#close();
    this.#reject(error);
  }

  #close(): void {
    this.isOver = true;
    this.looks.stop();
    this.#timer?.cancel();
  }

  /** The older half of the output. */
  #dropOutput(): void {
    let toDrop = Math.floor(outputLinesMax / 2);
    this.#parts = this.#parts.filter((part) => part.kind !== "output" || toDrop-- <= 0);
    this.#outputLines = this.#parts.filter(({ kind }) => kind === "output").length;
  }
}
