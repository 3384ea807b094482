/** Output of a command on a drone, written no faster than whoever reads it takes it. */

/** Told that often, the drone, which stays at most 1 MiB ahead, never waits for word of what was taken. */
const toldBytes = 256 * 1024;

export class RemoteOutput {
  readonly #tell: (bytes: number) => void;
  #takenBytes = 0;
  #toldBytes = 0;

  constructor(tell: (bytes: number) => void) {
    this.#tell = tell;
  }

  /** From here on the drone waits for what is taken. */
  start(): void {
    this.#tell(0);
  }

  take(stream: NodeJS.WritableStream, base64: string): void {
    const bytes = Buffer.from(base64, "base64");
    stream.write(bytes, () => {
      this.#takenBytes += bytes.length;
      if (this.#takenBytes - this.#toldBytes < toldBytes) return;
      this.#toldBytes = this.#takenBytes;
      this.#tell(this.#toldBytes);
    });
  }
}
