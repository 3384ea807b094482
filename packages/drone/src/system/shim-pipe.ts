/**
 * How a drone knows that a process lives, without asking again and again: a FIFO whose write end shim and
 * app inherit. The kernel tells its reader the moment the last of them is gone; a line in it says that
 * something is to be read in the folder. It works alike for own children and for those of an earlier life.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { errnoOf } from "@propagit/runtime";

/** Between two looks at a pipe that somebody fills: an app that writes there for fun costs nothing. */
const restMs = 50;

export class ShimPipe {
  readonly #socket: Socket;
  #rest: NodeJS.Timeout | undefined;
  #left = false;
  /** Resolves when nobody who inherited the write end lives any more. */
  readonly closed: Promise<void>;
  #writeEnd: number | undefined;
  #wasSaid = false;
  #onSaid: () => void = () => undefined;

  private constructor(reader: number, writeEnd: number | undefined) {
    this.#writeEnd = writeEnd;
    this.#socket = new Socket({ fd: reader, readable: true, writable: false });
    this.closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        if (!this.#left) resolve();
      });
    });
    // What cannot be read ends it as well, and `close` follows.
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", () => this.#hear());
  }

  /** For a process to be started, which gets the write end. */
  static create(path: string): ShimPipe {
    const reader = openReader(path);
    try {
      // Not blocking: an app that fills it must not stop the shim.
      return new ShimPipe(reader, openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch (thrown) {
      closeSync(reader);
      throw thrown;
    }
  }

  /** Of a process of an earlier life; undefined when nobody holds the write end. */
  static adopt(path: string): ShimPipe | undefined {
    let reader: number;
    try {
      reader = openReader(path);
    } catch {
      return undefined;
    }
    if (hasWriter(reader)) return new ShimPipe(reader, undefined);
    closeSync(reader);
    return undefined;
  }

  get writeEnd(): number {
    if (this.#writeEnd === undefined)
      throw new Error("cannot happen: the write end was given back");
    return this.#writeEnd;
  }

  /** Once the process has its own; with the drone's own open there would be no end. */
  closeWriteEnd(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }

  /** Calls when somebody says something, at once when somebody has. */
  onSaid(action: () => void): void {
    this.#onSaid = action;
    if (this.#wasSaid) action();
  }

  /** Stops listening; `closed` then never resolves. */
  leave(): void {
    this.#left = true;
    clearTimeout(this.#rest);
    this.closeWriteEnd();
    this.#socket.destroy();
  }

  #hear(): void {
    this.#wasSaid = true;
    this.#onSaid();
    this.#socket.pause();
    this.#rest = setTimeout(() => this.#socket.resume(), restMs);
  }
}

function openReader(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Reading says 0 bytes when there is no writer, and EAGAIN when there is one with nothing to say. */
function hasWriter(descriptor: number): boolean {
  try {
    return readSync(descriptor, Buffer.alloc(4_096)) > 0;
  } catch (thrown) {
    return errnoOf(thrown) === "EAGAIN";
  }
}
