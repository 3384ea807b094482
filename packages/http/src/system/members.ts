/** Who is here, and when the last one has gone. */
export class Members<T> implements Iterable<T> {
  readonly #members = new Set<T>();
  #waiting: (() => void)[] = [];

  get size(): number {
    return this.#members.size;
  }

  add(member: T): void {
    this.#members.add(member);
  }

  delete(member: T): void {
    this.#members.delete(member);
    if (this.#members.size > 0 || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell();
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members[Symbol.iterator]();
  }

  async whenEmpty(): Promise<void> {
    if (this.#members.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
