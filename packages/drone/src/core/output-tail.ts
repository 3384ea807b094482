/** The newest lines of what a command says: however much it is, no more than these are kept or sent. */

const linesMax = 20;
const lineChars = 500;

export class OutputTail {
  #lines: string[] = [];
  #unsent: string[] = [];

  /** The newest of all. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  push(line: string): void {
    const cut = line.slice(0, lineChars).replace(/[\ud800-\udbff]$/, "");
    this.#lines = [...this.#lines, cut].slice(-linesMax);
    this.#unsent = [...this.#unsent, cut].slice(-linesMax);
  }

  /** The newest of those that came since the last time. */
  take(): string[] {
    const taken = this.#unsent;
    this.#unsent = [];
    return taken;
  }
}
