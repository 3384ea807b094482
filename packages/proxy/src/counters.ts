/** Counts, per endpoint what it is working on, per commit what it did; in memory only. */
import type { Target } from "./core/route-table.js";

export interface CommitStats {
  readonly commit: string;
  /** Requests that are over, since this proxy started. */
  readonly requests: number;
  /** Those that were answered with 500 or more, broke off, or took too long. */
  readonly errors: number;
  readonly inFlight: number;
}

/**
 * How an attempt at an endpoint ended: `retried` ones are counted where they were answered in the end,
 * `left` means that the visitor went away first.
 */
export type VisitEnd = "answered" | "failed" | "retried" | "left";

/** Commits that are remembered; the ones counted longest ago are forgotten first. */
const commitsMax = 1_000;

export class Counters {
  readonly #loads = new Map<string, number>();
  readonly #commits = new Map<string, { requests: number; errors: number; inFlight: number }>();

  loadOf(address: string): number {
    return this.#loads.get(address) ?? 0;
  }

  begin({ address, commit }: Target): void {
    this.#loads.set(address, this.loadOf(address) + 1);
    this.#countsOf(commit).inFlight += 1;
  }

  end({ address, commit }: Target, how: VisitEnd): void {
    const load = this.loadOf(address) - 1;
    if (load > 0) this.#loads.set(address, load);
    else this.#loads.delete(address);
    const counts = this.#countsOf(commit);
    counts.inFlight -= 1;
    if (how !== "retried") counts.requests += 1;
    if (how === "failed") counts.errors += 1;
  }

  stats(): readonly CommitStats[] {
    return [...this.#commits].map(([commit, counts]) => ({ commit, ...counts }));
  }

  #countsOf(commit: string): { requests: number; errors: number; inFlight: number } {
    const known = this.#commits.get(commit);
    if (known) return known;
    if (this.#commits.size >= commitsMax) this.#forgetOne();
    const counts = { requests: 0, errors: 0, inFlight: 0 };
    this.#commits.set(commit, counts);
    return counts;
  }

  #forgetOne(): void {
    const idle = [...this.#commits].find(([, { inFlight }]) => inFlight === 0);
    if (idle) this.#commits.delete(idle[0]);
  }
}
