/** Something that visitors can be sent to, and its endpoints as they are now. */
import type { CommitEndpoints, ServicesOfCommit } from "./commit-endpoints.js";
import type { Target } from "./endpoint-state.js";
import { seedOf, type Seed } from "./hash.js";
import { pickService } from "./service.js";

/** Where a variant's endpoints come from. */
export interface EndpointSource {
  /** Rises when they change. */
  readonly version: number;
  services(): ServicesOfCommit | undefined;
  /** Names that it was ever registered under. */
  knownNames(): readonly string[];
}

export type Choice =
  | { readonly kind: "pool"; readonly pool: Pool }
  | { readonly kind: "none"; readonly reason: string };

/** Endpoints of one service of a variant. */
export interface Pool {
  readonly targets: readonly Target[];
  /** Those in the proxy's own zone; empty when that is all or none of them. */
  readonly near: readonly Target[];
  readonly far: readonly Target[];
}

export interface VariantOptions {
  readonly commit: string;
  readonly deployment?: string;
  /** Relative to the sum of all. */
  readonly weight: number;
  /** What a visitor draws for: the commit, and which of its deployments when several have shares. */
  readonly drawKey: string;
  readonly zone?: string;
}

export class Variant {
  readonly commit: string;
  readonly deployment: string | undefined;
  readonly weight: number;
  readonly drawSeed: Seed;
  readonly source: EndpointSource;
  readonly #zone: string | undefined;
  #version = -1;
  /** Of other services than the last one; most variants are asked for one only. */
  #choices: Map<string, Choice> | undefined;
  /** The one that was asked for last, which is nearly always the one that is asked for next. */
  #lastService: string | undefined;
  #last: Choice | undefined;

  constructor(source: EndpointSource, options: VariantOptions) {
    this.source = source;
    this.commit = options.commit;
    this.deployment = options.deployment;
    this.weight = options.weight;
    this.drawSeed = seedOf(options.drawKey);
    this.#zone = options.zone;
  }

  /** @param service undefined: whichever takes visitors */
  choice(service: string | undefined): Choice {
    if (this.#version !== this.source.version) {
      this.#choices = undefined;
      this.#version = this.source.version;
      this.#last = undefined;
    }
    if (this.#last && this.#lastService === service) return this.#last;
    // No service has an empty name.
    const choice = this.#choices?.get(service ?? "") ?? this.#choose(service);
    if (this.#last) (this.#choices ??= new Map()).set(this.#lastService ?? "", this.#last);
    this.#lastService = service;
    this.#last = choice;
    return choice;
  }

  #choose(service: string | undefined): Choice {
    const picked = pickService(this.source.services(), service, this.source.knownNames());
    if (picked.kind === "none") return picked;
    return { kind: "pool", pool: poolOf(picked.targets, this.#zone) };
  }
}

/** Endpoints of one commit in one environment, of one of its deployments or of all. */
export class CommitSource implements EndpointSource {
  readonly endpoints: CommitEndpoints;
  readonly #placeKey: string;
  readonly #deployment: string | undefined;

  constructor(endpoints: CommitEndpoints, placeKey: string, deployment: string | undefined) {
    this.endpoints = endpoints;
    this.#placeKey = placeKey;
    this.#deployment = deployment;
  }

  get version(): number {
    return this.endpoints.version;
  }

  services(): ServicesOfCommit | undefined {
    return this.endpoints.servicesOf(this.#ids());
  }

  knownNames(): readonly string[] {
    return this.endpoints.knownNames(this.#ids());
  }

  #ids(): readonly string[] | undefined {
    return this.endpoints.deploymentsOf(this.#placeKey, this.#deployment);
  }
}

function poolOf(targets: readonly Target[], zone: string | undefined): Pool {
  const near = zone === undefined ? [] : targets.filter((target) => target.zone === zone);
  if (near.length === 0 || near.length === targets.length) return { targets, near: [], far: [] };
  return { targets, near, far: targets.filter((target) => target.zone !== zone) };
}
