/** Lines on their way to another thread: many at once, as each message costs more than a line. */
import type { Clock, Timer } from "@propagit/runtime";

const batchMs = 200;
const batchCharsMax = 64 * 1024;

export class LineBatch {
  readonly #clock: Clock;
  readonly #send: (lines: string) => void;
  #lines = "";
  #timer: Timer | undefined;

  constructor(clock: Clock, send: (lines: string) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= batchCharsMax) this.flush();
    else this.#timer ??= this.#clock.after(batchMs, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#lines === "") return;
    this.#send(this.#lines);
    this.#lines = "";
  }
}
