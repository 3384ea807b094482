/** Repositories by name, with their environments and what runs of them. */
import { environmentDefault, type Deployment, type Route } from "@propagit/protocol";
import type { CommitEndpoints } from "./commit-endpoints.js";
import { Folded } from "./folded.js";
import type { HostPlace } from "./host-index.js";
import type { Place } from "./place.js";
import type { Variant } from "./variant.js";

/** There is none without a route or something that runs. */
export interface EnvironmentEntry {
  readonly repo: RepoEntry;
  readonly environment: string;
  place: Place;
  route: Route | undefined;
  hosts: readonly HostPlace[];
  /** What its variants look into. */
  held: readonly CommitEndpoints[];
  /** Deployments in it. */
  running: number;
}

export interface Running {
  readonly deployment: Deployment;
  readonly environment: EnvironmentEntry;
  readonly endpoints: CommitEndpoints;
  readonly variant: Variant;
}

export class RepoEntry {
  readonly repo: string;
  readonly environments = new Folded<EnvironmentEntry>();
  readonly #running = new Map<string, Running>();
  #ranked: readonly Running[] | undefined;

  constructor(repo: string) {
    this.repo = repo;
  }

  /** All that run, those of production first, then the newest release. */
  get running(): readonly Running[] {
    this.#ranked ??= [...this.#running.values()].sort(byRank);
    return this.#ranked;
  }

  add(key: string, running: Running): void {
    this.#running.set(key, running);
    this.#ranked = undefined;
  }

  remove(key: string): void {
    this.#running.delete(key);
    this.#ranked = undefined;
  }

  /** In one environment, by the first characters of its commit. */
  find(environment: string, prefix: string): readonly Running[] {
    return this.running.filter(
      ({ deployment, environment: at }) =>
        at.environment === environment && deployment.commit.startsWith(prefix),
    );
  }
}

function byRank({ deployment: left }: Running, { deployment: right }: Running): number {
  return rankOf(left) - rankOf(right) || (right.release ?? 0) - (left.release ?? 0);
}

function rankOf({ environment = environmentDefault }: Deployment): number {
  return Number(environment !== environmentDefault);
}
