/** What is typed or piped into a command that runs on a drone: bytes, window size, signals. */
import { exitCodes } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { makeRaw, onResize } from "./terminal.js";

/** As base64 it stays below the bound of a chunk, which keeps key strokes quick. */
const chunkBytesMax = 64 * 1024;
/** Bytes that may be on their way before the command has taken them. */
const aheadBytesMax = 1024 * 1024;

const forwardedSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** A command that ignores signals must not hold the user: the third one ends the command line itself. */
const signalsMax = 3;

export interface RemoteInputOptions {
  readonly hub: Conversation;
  readonly stream: string;
  /** The command has the user's terminal. */
  readonly hasTerminal: boolean;
}

/** Forwards standard input, signals and sizes until `stop`. */
export class RemoteInput {
  readonly #options: RemoteInputOptions;
  readonly #undo: (() => void)[];
  #sentBytes = 0;
  #takenBytes = 0;
  #signals = 0;
  #resume: (() => void) | undefined;

  constructor(options: RemoteInputOptions) {
    this.#options = options;
    const { hub, stream, hasTerminal } = options;
    this.#undo = [this.#forwardSignals()];
    if (hasTerminal) {
      this.#undo.push(
        makeRaw(),
        onResize((size) => hub.tell("run.resize", { stream, ...size })),
      );
    }
    void this.#forwardBytes();
  }

  /** The command has taken so many bytes, all together. */
  taken(bytes: number): void {
    this.#takenBytes = Math.max(this.#takenBytes, bytes);
    this.#resume?.();
  }

  stop(): void {
    for (const step of this.#undo.toReversed()) step();
    process.stdin.destroy();
  }

  async #forwardBytes(): Promise<void> {
    try {
      for await (const bytes of process.stdin) await this.#send(Buffer.from(bytes as Uint8Array));
    } catch {
      // Standard input that breaks off, or is closed because the command has ended, has ended.
    }
    this.#tell("");
  }

  async #send(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      const piece = bytes.subarray(at, at + chunkBytesMax);
      while (this.#sentBytes - this.#takenBytes >= aheadBytesMax) await this.#nextTaken();
      this.#sentBytes += piece.length;
      this.#tell(piece.toString("base64"));
    }
  }

  #nextTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  #tell(data: string): void {
    this.#options.hub.tell("run.input", { stream: this.#options.stream, data });
  }

  #forwardSignals(): () => void {
    const { hub, stream } = this.#options;
    const forward = (signal: NodeJS.Signals) => {
      this.#signals += 1;
      const named = forwardedSignals.find((name) => name === signal);
      if (named) hub.tell("run.signal", { stream, signal: named });
      if (this.#signals >= signalsMax) process.exit(exitCodes.failed);
    };
    for (const signal of forwardedSignals) process.on(signal, forward);
    return () => {
      for (const signal of forwardedSignals) process.off(signal, forward);
    };
  }
}
