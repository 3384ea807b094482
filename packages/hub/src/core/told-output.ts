/**
 * Lines of a task's output that were told already: a drone that is asked again, after its connection or its
 * life had ended, tells them from the beginning, or from the first that it still has.
 *
 *     told: a b c            again: a b c d        ->  d
 *                            again: b c d          ->  d
 */

/** Lines remembered; as many as are kept for those who begin to listen later. */
const linesMax = 5_000;

export class ToldOutput {
  #lines: string[] = [];
  /** Of those, how many were told again. */
  #again = 0;

  /** It is told from the beginning. */
  restart(): void {
    this.#again = 0;
  }

  /** Whether a line is told for the first time. */
  isNew(text: string): boolean {
    if (this.#again < this.#lines.length) {
      const at = this.#lines.indexOf(text, this.#again);
      this.#again = at < 0 ? this.#lines.length : at + 1;
      if (at >= 0) return false;
    }
    this.#lines.push(text);
    if (this.#lines.length > linesMax) this.#lines = this.#lines.slice(-linesMax / 2);
    this.#again = this.#lines.length;
    return true;
  }
}
