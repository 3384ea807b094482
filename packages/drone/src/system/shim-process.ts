/**
 * One process under its shim, own or adopted: both are followed in the same way.
 *
 *     the FIFO says something  →  is there a code in `exit`?  →  the app has ended
 *     the FIFO is closed       →  neither shim nor app nor their children live
 *
 * Then what is left of it is ended, and only then it counts as ended.
 */
import { constants } from "node:os";
import { isRunning, within, type Clock, type ProcessIdentity } from "@propagit/runtime";
import type { InstanceNote, ProcessEnd, RunningProcess, StopSignal } from "../world.js";
import type { InstanceOutput } from "./log-output.js";
import { endBelongings, killBelowLeader, signalGroup } from "./process-group.js";
import type { RunFolder } from "./run-folder.js";
import type { ShimPipe } from "./shim-pipe.js";

/** From the end of everything below the shim to the shim's own: a few milliseconds, unless it is stopped. */
const shimEndMsMax = 1_000;
/** Looking at an app that nothing else tells of: its shim was killed, or it closed every file. */
const lookMs = 1_000;

export interface ShimProcessParts {
  readonly clock: Clock;
  readonly run: RunFolder;
  readonly boot: string;
  readonly app: ProcessIdentity;
  readonly group: number;
  /** Undefined when nobody holds its other end. */
  readonly pipe: ShimPipe | undefined;
  /** The shim's own end, when that is seen at all: of an own child; the name of a signal. */
  readonly shimEnd: Promise<string | undefined> | undefined;
  /** The shim is there and will tell of the end. */
  readonly hasShim: boolean;
  readonly output: InstanceOutput;
  readonly stopTimeoutMs: number;
  /** Once nothing of it is left. */
  readonly release: () => Promise<void>;
}

export class ShimProcess implements RunningProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #parts: ShimProcessParts;
  /** Resolves when the app has ended, or nothing tells that it has not. */
  readonly #over: Promise<void>;
  #look: NodeJS.Timeout | undefined;
  #left = false;
  /** Somebody asked the drone to end it by force. */
  #killed = false;

  constructor(parts: ShimProcessParts) {
    this.#parts = parts;
    this.#over = this.#appEnd();
    this.ended = this.#follow();
  }

  get pid(): number {
    return this.#parts.app.pid;
  }

  signal(name: StopSignal): void {
    if (name === "SIGKILL") void this.#kill();
    else signalGroup(this.#parts.group, name);
  }

  lastLines(): Promise<readonly string[]> {
    return this.#parts.output.lastLines();
  }

  async remember(note: InstanceNote): Promise<void> {
    const { run, boot, output } = this.#parts;
    await run.writeNote(note, boot);
    await output.remember(note);
  }

  /** It runs on; `ended` never resolves. */
  leave(): void {
    this.#left = true;
    clearTimeout(this.#look);
    this.#parts.pipe?.leave();
    this.#parts.output.stop();
  }

  /** The shim goes last, of itself: then it has told how the app ended, and leaves no zombie. */
  async #kill(): Promise<void> {
    const { clock, group } = this.#parts;
    this.#killed = true;
    await killBelowLeader(group);
    await within(clock, shimEndMsMax, "the end of the shim", this.#over).catch(() => {
      signalGroup(group, "SIGKILL");
    });
  }

  async #follow(): Promise<ProcessEnd> {
    const { clock, run, group, output, stopTimeoutMs, release } = this.#parts;
    await this.#over;
    // Its end is the next life's to see, and its folder what that one knows it by.
    if (this.#left) return new Promise<never>(() => undefined);
    const code = await run.readExit();
    // What was forked meanwhile has had its time, too.
    if (this.#killed) signalGroup(group, "SIGKILL");
    await endBelongings(clock, { process: run.process, group }, stopTimeoutMs);
    const end = await this.#describe(code);
    const lastLines = await output.lastLines().catch(() => []);
    this.#parts.pipe?.leave();
    output.stop();
    await release();
    return { ...end, lastLines };
  }

  #appEnd(): Promise<void> {
    const { pipe, shimEnd, hasShim, run } = this.#parts;
    return new Promise((resolve) => {
      const look = async () => {
        if ((await run.readExit()) !== undefined) resolve();
      };
      if (pipe) {
        pipe.onSaid(() => void look());
        void pipe.closed.then(resolve);
      }
      // It may have said so before anybody listened.
      void look();
      if (!hasShim || !pipe) void this.#watchApp(resolve);
      void shimEnd?.then(() => this.#watchApp(resolve));
    });
  }

  /** A shim that was killed took no app with it: the app goes on serving, and is looked at. */
  async #watchApp(resolve: () => void): Promise<void> {
    const lives = await isRunning(this.#parts.app);
    if (!lives) resolve();
    else if (!this.#left) this.#look = setTimeout(() => void this.#watchApp(resolve), lookMs);
  }

  async #describe(code: number | undefined): Promise<Pick<ProcessEnd, "how" | "code">> {
    if (code !== undefined) return describeExit(code);
    if (this.#killed) return describeExit(128 + constants.signals.SIGKILL);
    // The shim leads the group: what killed it killed the others, too.
    const signal = await this.#parts.shimEnd;
    if (signal !== undefined) return { how: `was ended by ${signal}`, code: undefined };
    return { how: "ended, and what watched it did too", code: undefined };
  }
}

/** As a shell says it: a signal is its number and 128. */
export function describeExit(code: number): { readonly how: string; readonly code: number } {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return { how: signal ? `was ended by ${signal[0]}` : `exited with code ${code}`, code };
}
