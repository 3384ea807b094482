/** Files of artifacts in memory, with disks that can be full. */
import { PropagitError } from "@propagit/protocol";
import type { KeptArtifact, NoteName, PieceFile, PieceFiles } from "../world.js";

export interface SimPieceFilesOptions {
  /**
   * The right bytes of an artifact, if they are in memory anyway: then a file keeps only which of them were
   * written, and thousands of drones fit into one process.
   */
  readonly shared?: (artifact: string) => Uint8Array | undefined;
}

export class SimPieceFiles implements PieceFiles {
  readonly #files = new Map<string, SimFile>();
  readonly #notes = new Map<string, string>();
  readonly #options: SimPieceFilesOptions;
  /** Files that lie elsewhere, by their path. */
  readonly elsewhere = new Map<string, Uint8Array>();
  /** From now on every write fails. */
  isFull = false;

  constructor(options: SimPieceFilesOptions = {}) {
    this.#options = options;
  }

  open(artifact: string, bytes: number): Promise<PieceFile> {
    const known = this.#files.get(artifact);
    const file =
      known?.size === bytes ? known : new SimFile(bytes, this.#options.shared?.(artifact));
    this.#files.set(artifact, file);
    return Promise.resolve(this.#pieceFile(`sim/${artifact}`, file));
  }

  openPath(path: string, bytes: number): Promise<PieceFile> {
    const found = this.elsewhere.get(path);
    if (found?.length !== bytes)
      return Promise.reject(new PropagitError("DATA_UNUSABLE", `${path} is not of ${bytes} bytes`));
    const file = new SimFile(bytes, found);
    file.write(0, found);
    return Promise.resolve(this.#pieceFile(path, file));
  }

  /** What is in the file of an artifact now. */
  bytesOf(artifact: string): Uint8Array | undefined {
    const file = this.#files.get(artifact);
    if (!file) return undefined;
    const bytes = new Uint8Array(file.size);
    file.read(0, bytes);
    return bytes;
  }

  readNote(artifact: string, name: NoteName): Promise<string | undefined> {
    return Promise.resolve(this.#notes.get(`${artifact}/${name}`));
  }

  writeNote(artifact: string, name: NoteName, text: string): Promise<void> {
    if (this.isFull) return Promise.reject(full());
    this.#notes.set(`${artifact}/${name}`, text);
    return Promise.resolve();
  }

  list(): Promise<readonly KeptArtifact[]> {
    const kept = [...this.#files].map(([artifact, { size }]) => ({
      artifact,
      bytes: size,
      usedAt: 0,
    }));
    return Promise.resolve(kept);
  }

  remove(artifact: string): Promise<void> {
    this.#files.delete(artifact);
    for (const name of ["manifest", "grant"]) this.#notes.delete(`${artifact}/${name}`);
    return Promise.resolve();
  }

  #pieceFile(path: string, file: SimFile): PieceFile {
    return {
      path,
      read: (position, into) => {
        file.read(position, into);
        return Promise.resolve();
      },
      write: (position, bytes) => {
        if (this.isFull) return Promise.reject(full());
        file.write(position, bytes);
        return Promise.resolve();
      },
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

/** What is the same as in the shared bytes is only marked, in steps of so many bytes. */
const stepBytes = 1024;

class SimFile {
  readonly size: number;
  readonly #shared: Uint8Array | undefined;
  /** Steps that are as in the shared bytes. */
  readonly #same: Uint8Array;
  /** Everything that is not; absent while there is nothing of that kind. */
  #own: Uint8Array | undefined;

  constructor(size: number, shared: Uint8Array | undefined) {
    this.size = size;
    this.#shared = shared?.length === size ? shared : undefined;
    this.#same = new Uint8Array(Math.ceil(size / stepBytes));
  }

  write(position: number, bytes: Uint8Array): void {
    if (this.#shared && isSame(this.#shared, position, bytes) && this.#isStep(position, bytes)) {
      const first = position / stepBytes;
      this.#same.fill(1, first, first + Math.ceil(bytes.length / stepBytes));
      return;
    }
    this.#own ??= new Uint8Array(this.size);
    const end = position + bytes.length;
    for (let step = Math.floor(position / stepBytes); step * stepBytes < end; step++)
      this.#makeOwn(this.#own, step);
    this.#own.set(bytes, position);
  }

  #makeOwn(own: Uint8Array, step: number): void {
    if (this.#same[step] !== 1) return;
    this.#same[step] = 0;
    const from = step * stepBytes;
    own.set(this.#shared?.subarray(from, from + stepBytes) ?? [], from);
  }

  read(position: number, into: Uint8Array): void {
    const end = position + into.length;
    for (let at = position; at < end;) {
      const step = Math.floor(at / stepBytes);
      const until = Math.min(end, (step + 1) * stepBytes);
      const source = this.#same[step] === 1 ? this.#shared : this.#own;
      if (source) into.set(source.subarray(at, until), at - position);
      else into.fill(0, at - position, until - position);
      at = until;
    }
  }

  #isStep(position: number, bytes: Uint8Array): boolean {
    const end = position + bytes.length;
    return position % stepBytes === 0 && (end % stepBytes === 0 || end === this.size);
  }
}

function isSame(all: Uint8Array, position: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++)
    if (all[position + index] !== bytes[index]) return false;
  return true;
}

function full(): PropagitError {
  return new PropagitError("DATA_UNUSABLE", "no space is left on the disk");
}
