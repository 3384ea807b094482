/** What a Host header can lead to, kept ready for those that are asked for again and again. */
import type { ErrorCode } from "@propagit/protocol";
import type { Folded } from "./folded.js";
import type { HostIndex, HostPlace } from "./host-index.js";
import { parseHostName } from "./host-name.js";
import { readOwnName, type OwnName } from "./own-name.js";
import type { RepoEntry } from "./repo-index.js";

export interface HostLookup {
  /** Named by manifests and command lines; the first whose path fits is it. */
  readonly places: readonly HostPlace[];
  /** Whether paths matter at all. */
  readonly hasPrefixes: boolean;
  /** What it leads to when none of them fits. */
  readonly own: OwnName;
}

/** Host names that are kept ready; strangers may send any, so that they are all forgotten beyond it. */
const keptMax = 20_000;

export class HostLookups {
  readonly #repos: Folded<RepoEntry>;
  readonly #hosts: HostIndex;
  readonly #domain: string | undefined;
  readonly #kept = new Map<string, HostLookup>();

  constructor(repos: Folded<RepoEntry>, hosts: HostIndex, domain: string | undefined) {
    this.#repos = repos;
    this.#hosts = hosts;
    this.#domain = domain;
  }

  /** Nothing is known before all of a book is: half of it would lead to the wrong places. */
  get nowhere(): HostLookup {
    return lookup([], nobody("NO_ROUTE", "the routes are not known yet"));
  }

  /** After any change of what host names lead to. */
  forget(): void {
    // Clearing what is empty would make a new map for each route of a snapshot.
    if (this.#kept.size > 0) this.#kept.clear();
  }

  /** @param host as the visitor sent it */
  find(host: string): HostLookup {
    const known = this.#kept.get(host);
    if (known) return known;
    if (this.#kept.size >= keptMax) this.#kept.clear();
    const found = this.#lookUp(host);
    this.#kept.set(host, found);
    return found;
  }

  #lookUp(host: string): HostLookup {
    const name = parseHostName(host, this.#domain);
    if (name.kind === "malformed") return lookup([], nobody("BAD_REQUEST", name.reason));
    const places = name.host === undefined ? [] : this.#hosts.find(name.host);
    const { any } = this.#hosts;
    if (name.kind === "name") {
      const own = readOwnName(this.#repos, name);
      return own.kind === "nobody" ? lookup([...places, ...any], own) : lookup(places, own);
    }
    const reason = `no route for this host name: ${name.reason}`;
    return lookup([...places, ...any], nobody("NO_ROUTE", reason));
  }
}

function lookup(places: readonly HostPlace[], own: OwnName): HostLookup {
  return { places, hasPrefixes: places.some(({ prefix }) => prefix !== ""), own };
}

function nobody(code: ErrorCode, message: string): OwnName {
  return { kind: "nobody", code, message };
}
