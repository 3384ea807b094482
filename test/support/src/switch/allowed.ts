/**
 * Which commits visitors may be answered by, and when.
 *
 *     promote B is asked |----- A or B -----| it says that it is done
 *     A ----------------------------------->|
 *                        B |-------------------------------->
 *
 * A request may be answered by what was allowed at any moment between its sending and its answer.
 */
interface Span {
  readonly commit: string;
  readonly from: number;
  to: number;
}

export class AllowedCommits {
  readonly #now: () => number;
  readonly #spans: Span[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Those of now. */
  get current(): readonly string[] {
    return this.#spans.filter(({ to }) => to === Infinity).map(({ commit }) => commit);
  }

  /** While `change` is on its way both the old and the new ones are allowed, afterwards the new ones. */
  async during(commits: readonly string[], change: () => Promise<void>): Promise<void> {
    const fresh = commits.filter((commit) => !this.current.includes(commit));
    for (const commit of fresh) {
      this.#spans.push({ commit, from: this.#now(), to: Infinity });
    }
    await change();
    for (const span of this.#spans) {
      if (span.to === Infinity && !commits.includes(span.commit)) span.to = this.#now();
    }
  }

  /** Whether a commit was allowed at any moment between `from` and now. */
  isFine(commit: string, from: number): boolean {
    const now = this.#now();
    return this.#spans.some(
      (span) => span.commit === commit && span.from <= now && span.to >= from,
    );
  }
}
