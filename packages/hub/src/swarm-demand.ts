/**
 * How many drones want a commit just now, and how many have one: what decides whether a swarm is worth it. Who is
 * assigned it and has not come further than fetching it wants it, and whoever asked for it lately.
 */
import type { InstancePhase, InstanceReport } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";

export interface DemandParts {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "rows">;
  readonly fleet: Pick<Fleet, "reportsOf" | "sessionKeyOf">;
  readonly assignments: Pick<Assignments, "counts">;
}

/** An assignment does not change faster, and to count thousands of drones for each of them that asks is long. */
const freshMs = 500;
/** Whoever asked wants it that long, unless it has it before. */
const askedMs = 60_000;
/** Commits that somebody asked for lately: a drone can make up as many as it likes. */
const askedMax = 10_000;
const earlyPhases: ReadonlySet<InstancePhase> = new Set(["waiting", "fetching"]);

interface Counted {
  readonly at: number;
  readonly identities: ReadonlySet<string>;
}

export class SwarmDemand {
  readonly #parts: DemandParts;
  readonly #assigned = new Map<string, Counted>();
  readonly #holding = new Map<string, Counted>();
  /** By commit, then identity: when it asked. */
  readonly #asked = new Map<string, Map<string, number>>();

  constructor(parts: DemandParts) {
    this.#parts = parts;
  }

  /** Somebody asked, or is about to. */
  asks(repo: string, commit: string, identity: string): void {
    const key = `${repo} ${commit}`;
    const askers = this.#asked.get(key) ?? new Map<string, number>();
    this.#asked.set(key, askers);
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= askedMax) break;
      this.#asked.delete(oldest);
    }
    askers.set(identity, this.#now());
  }

  /** Somebody has it. */
  got(repo: string, commit: string, identity: string): void {
    this.#asked.get(`${repo} ${commit}`)?.delete(identity);
  }

  /** Drones that want a commit. */
  wanting(repo: string, commit: string): number {
    const assigned = this.#fresh(this.#assigned, repo, commit, (reports) =>
      reports.every(({ phase }) => earlyPhases.has(phase)),
    );
    const holding = this.#holdersOf(repo, commit);
    const since = this.#now() - askedMs;
    let others = 0;
    for (const [identity, at] of this.#asked.get(`${repo} ${commit}`) ?? []) {
      if (at >= since && !assigned.has(identity) && !holding.has(identity)) others++;
    }
    return assigned.size + others;
  }

  /** Drones that run a commit, and so have it. */
  holding(repo: string, commit: string): number {
    return this.#holdersOf(repo, commit).size;
  }

  /** Forgets what is long ago. */
  tidy(): void {
    const since = this.#now() - askedMs;
    for (const [key, askers] of this.#asked) {
      for (const [identity, at] of askers) if (at < since) askers.delete(identity);
      if (askers.size === 0) this.#asked.delete(key);
    }
    for (const counts of [this.#assigned, this.#holding]) {
      for (const [key, { at }] of counts) if (this.#now() - at > freshMs) counts.delete(key);
    }
  }

  #holdersOf(repo: string, commit: string): ReadonlySet<string> {
    return this.#fresh(this.#holding, repo, commit, (reports) =>
      reports.some(({ phase }) => !earlyPhases.has(phase)),
    );
  }

  #fresh(
    counts: Map<string, Counted>,
    repo: string,
    commit: string,
    isCounted: (reports: readonly InstanceReport[]) => boolean,
  ): ReadonlySet<string> {
    const key = `${repo} ${commit}`;
    const known = counts.get(key);
    if (known && this.#now() - known.at < freshMs) return known.identities;
    const identities = new Set<string>();
    for (const { identity, reports } of this.#places(repo, commit)) {
      if (isCounted(reports)) identities.add(identity);
    }
    counts.set(key, { at: this.#now(), identities });
    return identities;
  }

  /** Drones that are there and assigned something of a commit, once for each deployment of it. */
  *#places(repo: string, commit: string) {
    const { ledger, fleet, assignments } = this.#parts;
    for (const row of ledger.rows("deployments").values()) {
      if (row.repo !== repo || (row.artifact ?? row.commit) !== commit || !row.started) continue;
      const drones = new Set(
        [...(assignments.counts.get(row.id)?.values() ?? [])].flatMap((places) => [
          ...places.keys(),
        ]),
      );
      for (const identity of drones) {
        if (fleet.sessionKeyOf(identity) === undefined) continue;
        yield { identity, reports: fleet.reportsOf(identity, row.id) };
      }
    }
  }

  #now(): number {
    return this.#parts.clock.monotonic();
  }
}
