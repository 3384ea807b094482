/** Answers that are remembered, and asked for once when several want the same at the same time. */
export class Memo<T> {
  readonly #max: number;
  readonly #answers = new Map<string, Promise<T>>();

  /** @param max answers that are remembered; the oldest goes */
  constructor(max: number) {
    this.#max = max;
  }

  /** @param isLasting whether an answer is worth remembering; a failure never is */
  get(
    key: string,
    ask: () => Promise<T>,
    isLasting: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const known = this.#answers.get(key);
    if (known) return known;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size >= this.#max) this.#answers.delete(oldest);
    const answer = ask();
    this.#answers.set(key, answer);
    void this.#forgetUnlessLasting(key, answer, isLasting);
    return answer;
  }
  async #forgetUnlessLasting(key: string, answer: Promise<T>, isLasting: (answer: T) => boolean) {
    const isKept = await answer.then(isLasting, () => false);
    if (!isKept && this.#answers.get(key) === answer) this.#answers.delete(key);
  }
}
