/**
 * Who listens for one commit: endpoints by deployment and service, deployments by environment, and the names
 * they were ever registered under. Variants look here when `version` says that something is new, so that a
 * change costs what it changes, and the rest is done for those who are asked for.
 *
 *     commit ──> deployment (or "": does not say) ──> service ──> targets
 */
import { deploymentMetaKey, formatAddress, type Endpoint } from "@propagit/protocol";
import type { Target } from "./endpoint-state.js";

/** A large book has tens of thousands of commits, most of which nobody listens for: maps are made when needed. */
const none: ReadonlyMap<string, never> = new Map<string, never>();

/** Endpoints of one deployment, or of one commit, by service. */
export type ServicesOfCommit = ReadonlyMap<string, readonly Target[]>;

export class CommitEndpoints {
  readonly commit: string;
  /** Rises with each change. */
  version = 0;
  /** Who needs it: variants, deployments and endpoints. */
  uses = 0;
  #groups: Map<string, Map<string, readonly Target[]>> | undefined;
  /** Ids of deployments by environment of a repository. */
  #deployments: Map<string, readonly string[]> | undefined;
  /**
   * By deployment, or by commit where none is said; then by name: the last address it was seen at. An app
   * whose `http` is down for a moment is not an app that only has `say`: without this memory its visitors
   * would be shown what was meant for itself.
   */
  #names: Map<string, Map<string, string>> | undefined;

  constructor(commit: string) {
    this.commit = commit;
  }

  add(endpoint: Endpoint, target: Target): void {
    const group = mapIn(
      (this.#groups ??= new Map<string, Map<string, readonly Target[]>>()),
      endpoint.meta[deploymentMetaKey] ?? "",
    );
    group.set(target.service, [...(group.get(target.service) ?? []), target]);
    this.version += 1;
  }

  remove(endpoint: Endpoint, target: Target): void {
    const key = endpoint.meta[deploymentMetaKey] ?? "";
    const group = this.#groups?.get(key);
    const left = (group?.get(target.service) ?? []).filter((one) => one !== target);
    if (left.length > 0) group?.set(target.service, left);
    else group?.delete(target.service);
    if (group?.size === 0) this.#groups?.delete(key);
    this.version += 1;
  }

  addDeployment(placeKey: string, id: string): void {
    this.#deployments ??= new Map();
    this.#deployments.set(placeKey, [...(this.#deployments.get(placeKey) ?? []), id]);
    this.version += 1;
  }

  removeDeployment(placeKey: string, id: string): void {
    const left = (this.#deployments?.get(placeKey) ?? []).filter((one) => one !== id);
    if (left.length > 0) this.#deployments?.set(placeKey, left);
    else this.#deployments?.delete(placeKey);
    if (this.#groups?.has(id) !== true) this.#names?.delete(id);
    this.version += 1;
  }

  /** A drone's name for an app that then gives itself another one, at the same address, is forgotten. */
  learn({ service, host, port, meta }: Endpoint): void {
    const names = mapIn(
      (this.#names ??= new Map<string, Map<string, string>>()),
      meta[deploymentMetaKey] ?? this.commit,
    );
    const address = formatAddress({ host, port });
    if (names.get(service) === address) return;
    for (const [name, at] of names) if (at === address) names.delete(name);
    names.set(service, address);
    this.version += 1;
  }

  /** What was learnt in an earlier life. */
  remember(key: string, names: ReadonlyMap<string, string>): void {
    (this.#names ??= new Map()).set(key, new Map(names));
    this.version += 1;
  }

  get names(): ReadonlyMap<string, ReadonlyMap<string, string>> {
    return this.#names ?? none;
  }

  /** Of these deployments and of those who do not say; all of them when nobody says which there are. */
  servicesOf(ids: readonly string[] | undefined): ServicesOfCommit | undefined {
    const wanted =
      ids === undefined
        ? [...(this.#groups?.values() ?? [])]
        : [...ids, ""].flatMap((id) => this.#groups?.get(id) ?? []);
    return joined(wanted);
  }

  knownNames(ids: readonly string[] | undefined): readonly string[] {
    const keys = [this.commit, ...(ids ?? [])];
    return [...new Set(keys.flatMap((key) => [...(this.#names?.get(key)?.keys() ?? [])]))];
  }

  /** Which deployments a share may mean; undefined: any, since nobody says which there are. */
  deploymentsOf(placeKey: string, deployment: string | undefined): readonly string[] | undefined {
    return deployment === undefined ? this.#deployments?.get(placeKey) : [deployment];
  }
}

function joined(groups: readonly ServicesOfCommit[]): ServicesOfCommit | undefined {
  const [first, ...others] = groups;
  if (others.length === 0) return first;
  const all = new Map<string, Target[]>();
  for (const [service, targets] of groups.flatMap((group) => [...group])) {
    all.set(service, [...(all.get(service) ?? []), ...targets]);
  }
  return all;
}

function mapIn<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const known = maps.get(key);
  if (known) return known;
  const fresh = new Map<K, V>();
  maps.set(key, fresh);
  return fresh;
}
