/**
 * One command that somebody runs: takes care that neither side runs ahead of the other.
 *
 *     command  --output-->  parts `output`   --caller says--> run.taken     (else: what waits on the line)
 *     caller   --run.input-->  the command   --drone says-->  parts `taken`
 */
import { PropagitError, type Params, type Result, type RunPart } from "@propagit/protocol";
import { sleep, type Clock } from "@propagit/runtime";
import { RunWindow } from "./core/run-window.js";
import type { RunListener, RunningCommand, RunSignal } from "./task-world.js";

/** As the protocol bounds a part. */
const chunkBytesMax = 64 * 1024;
/** What may be said to a command before it runs: key strokes, and changes of a window, of somebody fast. */
const earlyMax = 1_000;
/** How often a full line is looked at again. */
const lookMs = 20;

export interface RunParts {
  readonly clock: Clock;
  /** Name of the drone. */
  readonly drone: string;
  readonly tell: (part: RunPart) => void;
  /** What waits on the connection to the caller. */
  readonly bufferedBytes: () => number;
}

export class Run {
  readonly listener: RunListener;
  readonly #parts: RunParts;
  readonly #window = new RunWindow();
  #running: RunningCommand | undefined;
  /** What was said before it ran. */
  readonly #early: ((running: RunningCommand) => void)[] = [];
  #isPaused = false;
  #isOver = false;
  /** Why it was ended; the first reason counts. */
  #reason: PropagitError | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.listener = {
      output: (stream, data) => this.#output(stream, data),
      taken: (bytes) => this.#taken(bytes),
    };
  }

  /** Resolves with its end. @throws why it could not run, or was ended */
  async perform(
    { stream, process, input }: Params<"drone.run">,
    start: () => Promise<RunningCommand>,
  ): Promise<Result<"drone.run">> {
    const { drone, tell } = this.#parts;
    if (this.#reason) throw this.#reason;
    const running = await start();
    this.#running = running;
    tell({ kind: "started", drone, process: process ?? stream });
    for (const action of this.#early.splice(0)) action(running);
    if (!input) running.endInput();
    if (this.#hasReason()) void running.end();
    const { code, signal } = await running.ended;
    this.#isOver = true;
    if (this.#reason) throw this.#reason;
    return { drone, code, ...(signal !== undefined && { signal }) };
  }

  /** Nothing means the end of it. */
  input(data: Uint8Array): void {
    if (!this.#window.typed(data.length)) {
      void this.end(new PropagitError("OVERLOADED", "more was typed than the command takes"));
      return;
    }
    this.#do((running) => (data.length === 0 ? running.endInput() : running.write(data)));
  }

  resize(columns: number, rows: number): void {
    this.#do((running) => running.resize(columns, rows));
  }

  signal(name: RunSignal): void {
    this.#do((running) => running.signal(name));
  }

  /** The caller has taken so much output. */
  taken(total: number): void {
    this.#window.taken(total);
  }

  async end(reason: PropagitError): Promise<void> {
    this.#reason ??= reason;
    await this.#running?.end();
  }

  #do(action: (running: RunningCommand) => void): void {
    if (this.#isOver) return;
    if (this.#running) action(this.#running);
    else if (this.#early.length < earlyMax) this.#early.push(action);
    else
      void this.end(new PropagitError("OVERLOADED", "more was said than can wait for a command"));
  }

  #output(stream: "out" | "err", data: Uint8Array): void {
    const { drone, tell } = this.#parts;
    for (let at = 0; at < data.length; at += chunkBytesMax) {
      const chunk = Buffer.from(data.subarray(at, at + chunkBytesMax));
      tell({ kind: "output", drone, stream, data: chunk.toString("base64") });
    }
    this.#window.told(data.length);
    if (!this.#isPaused && this.#isFull()) void this.#pause();
  }

  #taken(bytes: number): void {
    const { drone, tell } = this.#parts;
    tell({ kind: "taken", drone, bytes: this.#window.used(bytes) });
  }

  /** Until the caller has caught up, or nobody wants it any more. */
  async #pause(): Promise<void> {
    this.#isPaused = true;
    this.#running?.pause();
    while (this.#isFull() && !this.#isOver && !this.#hasReason()) {
      await sleep(this.#parts.clock, lookMs);
    }
    this.#isPaused = false;
    this.#running?.resume();
  }

  #isFull(): boolean {
    return this.#window.isFull(this.#parts.bufferedBytes());
  }

  // A method, because it changes behind the compiler's back while something is awaited.
  #hasReason(): boolean {
    return this.#reason !== undefined;
  }
}
