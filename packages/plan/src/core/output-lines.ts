/** Output of a program as it comes, cut into lines, and the end of it kept: both within bounds. */

/** A longer line is told in pieces of this length. */
const lineCharsMax = 4_096;
/** Kept of each of the two streams. */
const keptCharsMax = 65_536;

export class OutputLines {
  readonly #onLine: (line: string) => void;
  #kept = "";
  #line = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The last of it. */
  get text(): string {
    return this.#kept.slice(-keptCharsMax);
  }

  push(text: string): void {
    this.#kept += text;
    if (this.#kept.length > 2 * keptCharsMax) this.#kept = this.#kept.slice(-keptCharsMax);
    const [last = "", ...others] = (this.#line + text).split("\n").reverse();
    for (const line of others.reverse()) this.#tell(line);
    this.#line = last;
    while (this.#line.length > lineCharsMax) {
      this.#tell(this.#line.slice(0, lineCharsMax));
      this.#line = this.#line.slice(lineCharsMax);
    }
  }

  /** What has no end of a line is one, too. */
  end(): void {
    if (this.#line !== "") this.#tell(this.#line);
    this.#line = "";
  }

  #tell(line: string): void {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    for (let at = 0; at === 0 || at < text.length; at += lineCharsMax) {
      this.#onLine(text.slice(at, at + lineCharsMax));
    }
  }
}
