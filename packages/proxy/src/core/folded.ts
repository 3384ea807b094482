/**
 * Things by names that are told apart by case, looked up by names that are not, as those of hosts: the
 * all-lower-case one has the name, then the first by spelling.
 */
export class Folded<T> {
  /** Nearly always one: a list costs less than a map. */
  readonly #things = new Map<string, readonly Named<T>[]>();

  get size(): number {
    return this.#things.size;
  }

  /** By exact name. */
  exact(name: string): T | undefined {
    return this.#things.get(name.toLowerCase())?.find((one) => one.name === name)?.thing;
  }

  /** @param lowerCase a name as hosts come */
  find(lowerCase: string): T | undefined {
    const twins = this.#things.get(lowerCase);
    if (!twins || twins.length === 1) return twins?.[0]?.thing;
    const [first] = twins.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    return (twins.find(({ name }) => name === lowerCase) ?? first)?.thing;
  }

  set(name: string, thing: T): void {
    const key = name.toLowerCase();
    const others = this.#things.get(key)?.filter((one) => one.name !== name) ?? [];
    this.#things.set(key, [...others, { name, thing }]);
  }

  delete(name: string): void {
    const key = name.toLowerCase();
    const others = this.#things.get(key)?.filter((one) => one.name !== name) ?? [];
    if (others.length > 0) this.#things.set(key, others);
    else this.#things.delete(key);
  }

  *values(): Iterable<T> {
    for (const twins of this.#things.values()) for (const { thing } of twins) yield thing;
  }
}

interface Named<T> {
  readonly name: string;
  readonly thing: T;
}
