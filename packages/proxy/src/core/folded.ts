/**
 * Things by names that are told apart by case, looked up by names that are not, as those of hosts: the
 * all-lower-case one has the name, then the first by spelling.
 */
export class Folded<T> {
  readonly #things = new Map<string, Map<string, T>>();

  get size(): number {
    return this.#things.size;
  }

  /** By exact name. */
  exact(name: string): T | undefined {
    return this.#things.get(name.toLowerCase())?.get(name);
  }

  /** @param lowerCase a name as hosts come */
  find(lowerCase: string): T | undefined {
    const twins = this.#things.get(lowerCase);
    if (!twins) return undefined;
    if (twins.size === 1) return twins.values().next().value;
    const [first = ""] = [...twins.keys()].sort();
    return twins.get(lowerCase) ?? twins.get(first);
  }

  set(name: string, thing: T): void {
    const key = name.toLowerCase();
    const twins = this.#things.get(key) ?? new Map<string, T>();
    twins.set(name, thing);
    this.#things.set(key, twins);
  }

  delete(name: string): void {
    const twins = this.#things.get(name.toLowerCase());
    twins?.delete(name);
    if (twins?.size === 0) this.#things.delete(name.toLowerCase());
  }

  *values(): Iterable<T> {
    for (const twins of this.#things.values()) yield* twins.values();
  }
}
