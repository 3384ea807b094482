/**
 * A process that is kept running: started again, with growing pauses, whenever it ends by itself.
 *
 *     start -> running -> (ends) -> pause -> start …
 *                 \-> stop: signal, deadline, SIGKILL
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { PropagitError } from "@propagit/protocol";
import {
  backoffMs,
  nodeClock,
  nodeRandom,
  withStreams,
  type Backoff,
  type Clock,
  type Timer,
} from "@propagit/runtime";

export interface ChildPlan {
  readonly name: string;
  readonly command: readonly [program: string, ...words: string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it says when it works, in lines of any order. */
  readonly readyWhen: readonly RegExp[];
}

export interface ChildWatch {
  /** A line of its output. */
  line(name: string, text: string): void;
  /** It runs, as this process; for whoever must end it when we could not. */
  started(name: string, pid: number): void;
  /** It ended by itself and comes back after the pause. */
  ended(name: string, reason: string, pauseMs: number): void;
}

const restartBackoff: Backoff = { firstMs: 500, maxMs: 30_000 };
/** After so long a life the next end is the first one again. */
const calmMs = 60_000;
/** Of what it said, for the message when it does not come up. */
const lastLinesMax = 10;

export class Child {
  readonly plan: ChildPlan;
  readonly #watch: ChildWatch;
  readonly #clock: Clock;
  readonly #lastLines: string[] = [];
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #pause: Timer | undefined;
  #attempt = 0;
  #isStopping = false;
  #isReady = false;
  #unsaid: readonly RegExp[];
  readonly #ready: Promise<void>;
  #settle: (problem?: PropagitError) => void = () => undefined;

  constructor(plan: ChildPlan, watch: ChildWatch, clock: Clock = nodeClock) {
    this.plan = plan;
    this.#unsaid = plan.readyWhen;
    this.#watch = watch;
    this.#clock = clock;
    this.#ready = new Promise((resolve, reject) => {
      this.#settle = (problem) => (problem ? reject(problem) : resolve());
    });
    // Whoever starts it hears of it; a failure that nobody waits for is no reason to end.
    this.#ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Starts it and resolves when it says that it works. Only its first start is waited for.
   *
   * @throws COMMAND_FAILED with its last lines when it ends before that
   */
  start(): Promise<void> {
    this.#launch();
    return this.#ready;
  }

  /** Ends it for good: by the signal, and by force when it is still there after the deadline. */
  async stop(signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#pause?.cancel();
    const child = this.#process;
    if (!child) return;
    child.kill(signal);
    const timer = this.#clock.after(deadlineMs, () => child.kill("SIGKILL"));
    await this.#exited;
    timer.cancel();
  }

  #launch(): void {
    const [program, ...words] = this.plan.command;
    const startedAt = this.#clock.monotonic();
    // A group of its own: ^C at the terminal goes to us, and we say who ends when.
    const child = withStreams(
      spawn(program, words, {
        env: this.plan.env,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      }),
    );
    this.#process = child;
    if (child.pid !== undefined) this.#watch.started(this.plan.name, child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (text) => this.#hear(text));
    }
    this.#exited = new Promise((resolve) => {
      const end = (reason: string) => {
        if (this.#process !== child) return;
        this.#process = undefined;
        this.#over(reason, this.#clock.monotonic() - startedAt);
        resolve();
      };
      child.once("error", (error) => end(error.message));
      child.once("close", (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  #hear(text: string): void {
    this.#lastLines.push(text);
    if (this.#lastLines.length > lastLinesMax) this.#lastLines.shift();
    this.#watch.line(this.plan.name, text);
    this.#unsaid = this.#unsaid.filter((pattern) => !pattern.test(text));
    if (this.#isReady || this.#unsaid.length > 0) return;
    this.#isReady = true;
    this.#settle();
  }

  #over(reason: string, livedMs: number): void {
    const { name } = this.plan;
    if (!this.#isReady) {
      const said = this.#lastLines.map((line) => `\n  | ${line}`).join("");
      const message = `${name} ended before it worked (${reason})${said}`;
      this.#settle(new PropagitError("COMMAND_FAILED", message, { hint: upHint }));
      return;
    }
    if (this.#isStopping) return;
    this.#attempt = livedMs >= calmMs ? 1 : this.#attempt + 1;
    const pauseMs = backoffMs(restartBackoff, this.#attempt, nodeRandom.fraction());
    this.#watch.ended(name, reason, pauseMs);
    this.#pause = this.#clock.after(pauseMs, () => this.#launch());
  }
}

const upHint = "mend what it says above, then start again; other ports: `propagit help up`";
