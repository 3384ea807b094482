/** Files of artifacts in memory, with disks that can be full. */
import { PropagitError } from "@propagit/protocol";
import type { KeptArtifact, NoteName, PieceFile, PieceFiles } from "../world.js";

export class SimPieceFiles implements PieceFiles {
  readonly #files = new Map<string, Uint8Array>();
  readonly #notes = new Map<string, string>();
  /** Files that lie elsewhere, by their path. */
  readonly elsewhere = new Map<string, Uint8Array>();
  /** From now on every write fails. */
  isFull = false;

  open(artifact: string, bytes: number): Promise<PieceFile> {
    const known = this.#files.get(artifact);
    const file = known?.length === bytes ? known : new Uint8Array(bytes);
    this.#files.set(artifact, file);
    return Promise.resolve(this.#pieceFile(`sim/${artifact}`, file));
  }

  openPath(path: string, bytes: number): Promise<PieceFile> {
    const file = this.elsewhere.get(path);
    if (file?.length !== bytes)
      return Promise.reject(new PropagitError("DATA_UNUSABLE", `${path} is not of ${bytes} bytes`));
    return Promise.resolve(this.#pieceFile(path, file));
  }

  /** What is in the file of an artifact now. */
  bytesOf(artifact: string): Uint8Array | undefined {
    return this.#files.get(artifact);
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
    const kept = [...this.#files].map(([artifact, { length }]) => ({
      artifact,
      bytes: length,
      usedAt: 0,
    }));
    return Promise.resolve(kept);
  }

  remove(artifact: string): Promise<void> {
    this.#files.delete(artifact);
    for (const name of ["manifest", "grant"]) this.#notes.delete(`${artifact}/${name}`);
    return Promise.resolve();
  }

  #pieceFile(path: string, file: Uint8Array): PieceFile {
    return {
      path,
      read: (position, into) => {
        into.set(file.subarray(position, position + into.length));
        return Promise.resolve();
      },
      write: (position, bytes) => {
        if (this.isFull) return Promise.reject(full());
        file.set(bytes, position);
        return Promise.resolve();
      },
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

function full(): PropagitError {
  return new PropagitError("DATA_UNUSABLE", "no space is left on the disk");
}
