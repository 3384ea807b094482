/** One open file with pieces in it. */
import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { formatBytes, PropagitError } from "@propagit/protocol";
import type { PieceFile } from "../world.js";
import { diskFailure, freeSpace } from "./disk-failure.js";

/**
 * To be written piece by piece, in any order. It is sparse: nothing is written before there is something to
 * write (filling it with zeros first doubles what is written; measured 0.5 s instead of 0.35 s for each GB, and
 * Node has no other way to reserve room). That there is room for the rest is looked at once, at the start.
 *
 * @throws DATA_UNUSABLE
 */
export async function openWritable(path: string, bytes: number): Promise<PieceFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await makeRoom(file, path, bytes);
    return new NodePieceFile(path, file);
  } catch (thrown) {
    await file?.close().catch(() => undefined);
    throw await diskFailure(path, thrown);
  }
}

/**
 * A whole file of somebody else, for reading.
 *
 * @throws DATA_UNUSABLE when it is not there, or of another size
 */
export async function openReadable(path: string, bytes: number): Promise<PieceFile> {
  try {
    const { size } = await stat(path);
    if (size !== bytes) throw damaged(path, `has ${size} bytes instead of ${bytes}`);
    return new NodePieceFile(path, await open(path, "r"));
  } catch (thrown) {
    throw await diskFailure(path, thrown);
  }
}

/** Bytes that a file takes of the disk; less than its size while there are holes in it. */
export function bytesOnDisk({ blocks }: { readonly blocks: number }): number {
  // POSIX leaves the unit open; Linux, macOS and the BSDs count in 512.
  return blocks * 512;
}

async function makeRoom(file: FileHandle, path: string, bytes: number): Promise<void> {
  const now = await file.stat();
  const missing = bytes - bytesOnDisk(now);
  const free = await freeSpace(path);
  if (free !== undefined && missing > free) {
    const [needs, has] = [formatBytes(missing), formatBytes(free)];
    throw damaged(path, `needs ${needs} more, and ${has} of disk are free`);
  }
  if (now.size !== bytes) await file.truncate(bytes);
}

class NodePieceFile implements PieceFile {
  readonly path: string;
  readonly #file: FileHandle;

  constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  async read(position: number, into: Uint8Array): Promise<void> {
    await this.#all(into.length, async (done) => {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, position + done);
      if (bytesRead > 0) return bytesRead;
      throw damaged(this.path, `is shorter than ${position + into.length} bytes`);
    });
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    await this.#all(bytes.length, async (done) => {
      const { bytesWritten } = await this.#file.write(
        bytes,
        done,
        bytes.length - done,
        position + done,
      );
      return bytesWritten;
    });
  }

  async sync(): Promise<void> {
    await this.#guard(() => this.#file.datasync());
  }

  async close(): Promise<void> {
    await this.#guard(() => this.#file.close());
  }

  /** The system may take fewer bytes than it is given, also before an error. */
  #all(length: number, step: (done: number) => Promise<number>): Promise<void> {
    return this.#guard(async () => {
      for (let done = 0; done < length;) done += await step(done);
    });
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      throw await diskFailure(this.path, thrown);
    }
  }
}

function damaged(path: string, what: string): PropagitError {
  return new PropagitError("DATA_UNUSABLE", `${path} ${what}`);
}
