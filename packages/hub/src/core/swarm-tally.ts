/**
 * What artifacts cost since the hub started, by repository. Reports say sums of one artifact and drone, which
 * come and go; counters may only rise:
 *
 *     reports:   web-1 30   web-1 34   (gone)   web-1 5     (again, from the beginning)
 *     added:         +30        +4                  +5
 */
import type { SwarmView } from "@propagit/protocol";

export interface SwarmCounts {
  readonly hubSentBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly wastedBytes: number;
  /** Drones that gave up and went on with git. */
  readonly failures: number;
  /** Peers that somebody no longer believed; by two is twice. */
  readonly bans: number;
}

type Counts = { -readonly [K in keyof SwarmCounts]: SwarmCounts[K] };
type Share = SwarmView["shares"][number];

interface Known {
  readonly repo: string;
  readonly hub: Counts;
  readonly shares: Map<string, Counts>;
}

/** Drones come back to a hub that was restarted and say what they had before: that is not counted again. */
const formerMs = 60_000;
/** Repositories with counts of their own; those beyond are counted together. */
const reposMax = 1_000;
export const otherRepos = "(others)";

export class SwarmTally {
  readonly #startedAt: number;
  readonly #counts = new Map<string, Counts>();
  #known = new Map<string, Known>();

  /** @param startedAt in ms since 1970, as `now` of `look` */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  get byRepo(): ReadonlyMap<string, SwarmCounts> {
    return this.#counts;
  }

  /** @param views all artifacts that there are */
  look(views: readonly SwarmView[], now: number): void {
    const known = new Map<string, Known>();
    for (const view of views) {
      const before = this.#known.get(view.artifact);
      known.set(view.artifact, this.#lookAt(view, before, now - this.#startedAt < formerMs));
    }
    this.#known = known;
  }

  /** The name under which a repository is counted. */
  labelOf(repo: string): string {
    return this.#counts.has(repo) || this.#counts.size < reposMax ? repo : otherRepos;
  }

  #lookAt(view: SwarmView, before: Known | undefined, isEarly: boolean): Known {
    const { repo } = view;
    const hub: Counts = { ...nothing(), hubSentBytes: view.hubSentBytes };
    this.#add(repo, hub, before?.hub ?? nothing());
    const shares = new Map<string, Counts>();
    for (const share of view.shares) {
      const counts = countsOf(share);
      const isFormer = isEarly && share.report.state !== "taking";
      const known = before?.shares.get(share.drone) ?? (isFormer ? counts : nothing());
      this.#add(repo, counts, known);
      shares.set(share.drone, counts);
    }
    return { repo, hub, shares };
  }

  #add(repo: string, now: SwarmCounts, before: SwarmCounts): void {
    const label = this.labelOf(repo);
    const counts = this.#counts.get(label) ?? nothing();
    for (const name of names) {
      counts[name] += now[name] >= before[name] ? now[name] - before[name] : now[name];
    }
    this.#counts.set(label, counts);
  }
}

function countsOf({ report }: Share): Counts {
  const { receivedBytes, sentBytes, wastedBytes, state, banned = [] } = report;
  const failures = Number(state === "failed");
  return { hubSentBytes: 0, receivedBytes, sentBytes, wastedBytes, failures, bans: banned.length };
}

function nothing(): Counts {
  return {
    hubSentBytes: 0,
    receivedBytes: 0,
    sentBytes: 0,
    wastedBytes: 0,
    failures: 0,
    bans: 0,
  };
}

const names = Object.keys(nothing()) as readonly (keyof Counts)[];
