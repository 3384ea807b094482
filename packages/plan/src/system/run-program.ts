/**
 * A program in a process group of its own, to its end.
 *
 *     running -- it ends ----------------------------> its streams may end, at most `lingerMs` --> Ended
 *        |-- aborted --> TERM to the group -- graceMs --> KILL to the group
 *
 * What it left running in the background keeps its streams open; that is not waited for.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, withStreams } from "@propagit/runtime";

/** Between SIGTERM and SIGKILL. */
export const graceMs = 5_000;
/** For what is still in the pipes when the program has ended. */
const lingerMs = 1_000;

export interface ProgramRun {
  readonly words: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array | Readable | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput: (text: string) => void;
  readonly onErrorOutput: (text: string) => void;
  /** Tells a group to end, where this process may not. */
  readonly signalGroup?: (group: number, signal: "SIGTERM" | "SIGKILL") => void;
}

export interface Ended {
  /** 128 + number for a signal. */
  readonly code: number;
  readonly aborted: boolean;
}

export class RunningProgram {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #run: ProgramRun;
  #aborted = false;
  #hasEnded = false;
  #isOver = false;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(run: ProgramRun) {
    const [program, ...args] = run.words;
    this.#run = run;
    this.#child = withStreams(
      spawn(program, args, {
        env: run.environment,
        detached: true,
        stdio: [run.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      }),
    );
    this.ended = this.#follow();
  }

  /** TERM, and KILL when that is not enough. */
  abort(): void {
    if (this.#isOver) return;
    this.#aborted = true;
    this.#signal("SIGTERM");
    this.#killTimer ??= setTimeout(() => this.#signal("SIGKILL"), graceMs);
  }

  async #follow(): Promise<Ended> {
    const { signal } = this.#run;
    const onAbort = () => this.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      this.#take(this.#child.stdout, this.#run.onOutput);
      this.#take(this.#child.stderr, this.#run.onErrorOutput);
      this.#give();
      const code = await this.#exit();
      this.#hasEnded = true;
      await this.#streamsEnd();
      // Its leader may have gone at the first signal, with others of the group still there.
      if (this.#aborted) this.#signal("SIGKILL");
      return { code, aborted: this.#aborted };
    } finally {
      this.#isOver = true;
      clearTimeout(this.#killTimer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #take(stream: Readable | null, onText: (text: string) => void): void {
    stream?.setEncoding("utf8");
    stream?.on("data", onText);
    stream?.on("error", () => undefined);
  }

  /** Whoever does not read its input to the end has its reasons; its exit code tells. */
  #give(): void {
    const { stdin } = this.#child;
    const { input } = this.#run;
    if (!stdin || input === undefined) return;
    stdin.on("error", () => undefined);
    if (typeof input === "string" || input instanceof Uint8Array) {
      stdin.end(input);
      return;
    }
    // What cannot be read breaks off, and the other end counts what it got.
    input.on("error", () => stdin.destroy());
    stdin.on("close", () => input.destroy());
    input.pipe(stdin);
  }

  #exit(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#child.once("error", (error) => {
        const { spawnfile } = this.#child;
        const why = errnoOf(error) === "ENOENT" ? "it is not there" : error.message;
        const message = `${spawnfile} cannot be run: ${why}`;
        reject(new PropagitError("TASK_FAILED", message, { cause: error }));
      });
      this.#child.once("exit", (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  }

  async #streamsEnd(): Promise<void> {
    const streams = [this.#child.stdout, this.#child.stderr].filter((stream) => stream !== null);
    const ends = Promise.allSettled(streams.map((stream) => finished(stream)));
    let timer: NodeJS.Timeout | undefined;
    const linger = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lingerMs);
    });
    await Promise.race([ends, linger]);
    clearTimeout(timer);
    for (const stream of streams) stream.destroy();
    this.#child.stdin?.destroy();
  }

  #signal(signal: "SIGTERM" | "SIGKILL"): void {
    const { pid } = this.#child;
    if (pid === undefined || (this.#hasEnded && signal === "SIGTERM")) return;
    try {
      process.kill(-pid, signal);
    } catch (thrown) {
      if (errnoOf(thrown) === "EPERM") this.#run.signalGroup?.(pid, signal);
    }
  }
}
