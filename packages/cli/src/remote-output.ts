/** Output of commands on drones, written no faster than whoever reads it takes it. */

/** Told that often, a drone, which stays at most 1 MiB ahead, never waits for word of what was taken. */
const toldBytes = 256 * 1024;

export class RemoteOutput {
  readonly #tell: (bytes: number) => void;
  #takenBytes = 0;
  #toldBytes = 0;

  constructor(tell: (bytes: number) => void) {
    this.#tell = tell;
  }

  /** A command has started: from here on its drone waits for what is taken. */
  start(): void {
    this.#tell(this.#takenBytes);
  }

  /** Writes what became of so many bytes of output; they are taken when it is written. */
  write(target: NodeJS.WritableStream, content: string | Uint8Array, bytes: number): void {
    target.write(content, () => {
      this.#takenBytes += bytes;
      if (this.#takenBytes - this.#toldBytes < toldBytes) return;
      this.#toldBytes = this.#takenBytes;
      this.#tell(this.#toldBytes);
    });
  }
}
