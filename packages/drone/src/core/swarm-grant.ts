/**
 * What a drone knows of an artifact that it takes part in: kept beside its bytes, so that a drone that was
 * killed goes on with the peers that it knew, also while its hub is away.
 */
import {
  check,
  parseJson,
  swarmPeerSchema,
  type Address,
  type Grant,
  type SwarmPeer,
} from "@propagit/protocol";
import type { Admission } from "@propagit/swarm";
import type { CommitName } from "../world.js";
import type { Hider } from "./stored-desire.js";

export interface KnownGrant extends CommitName {
  /** What must be here before it is of use. */
  readonly base: string | undefined;
  /** Taken for others: this drone itself needs no such commit. */
  readonly isCarried: boolean;
  /** All of it was here once. */
  readonly isWhole: boolean;
  readonly admission: Admission;
  /** When it came, by this machine's clock, in ms since 1970. */
  readonly givenAt: number;
}

/** The hub's place in a list of peers: wherever this drone reaches it. */
const hubHost = "*";

/** Of this file's text; another one is as if there were none. */
const format = 1;
/** As the protocol bounds them. */
const peersMax = 64;

/** Takes off what hides a text. */
export type Show = (hidden: string) => string;

export function admissionOf(grant: Grant, show: Show, hub: Address): Admission {
  const { artifact, bytes, holder, expiresAt, now: hubNow, hubKey } = grant;
  const secret = show(grant.secret);
  const peers = peersOf(grant.peers, show, hub);
  return { artifact, bytes, secret, holder, expiresAt, hubNow, hubKey, peers };
}

export function peersOf(
  peers: readonly SwarmPeer[],
  show: Show,
  hub: Address,
): readonly SwarmPeer[] {
  return peers.map((peer) => ({
    ...withKey(peer, show),
    ...(peer.role === "hub" && peer.host === hubHost && hub),
  }));
}

function withKey(peer: SwarmPeer, change: Show): SwarmPeer {
  return peer.key === undefined ? peer : { ...peer, key: change(peer.key) };
}

/** The same grant some time later: what the hub's clock shows moved on with ours. */
export function admissionNow(
  { admission, givenAt }: Pick<KnownGrant, "admission" | "givenAt">,
  now: number,
): Admission {
  const passedMs = Math.max(0, now - givenAt);
  return { ...admission, hubNow: admission.hubNow + passedMs };
}

/** Newer ones first; of one peer what was said last. */
export function withPeers(known: KnownGrant, peers: readonly SwarmPeer[]): KnownGrant {
  const names = new Set(peers.map(({ name }) => name));
  const others = known.admission.peers.filter(({ name }) => !names.has(name));
  const all = [...peers, ...others].slice(0, peersMax);
  return { ...known, admission: { ...known.admission, peers: all } };
}

/**
 * What to take first so that a commit gets here out of what is known: it itself, or what it is thin against,
 * or what that is thin against. Undefined when that leads nowhere.
 */
export function firstOf(
  grants: readonly KnownGrant[],
  { repo, commit }: CommitName,
  have: readonly string[],
): KnownGrant | undefined {
  const here = new Set(have);
  const seen = new Set<string>();
  let wanted: string | undefined = commit;
  while (wanted !== undefined && !seen.has(wanted)) {
    seen.add(wanted);
    const ways = grants.filter((grant) => grant.repo === repo && grant.commit === wanted);
    const ready = ways.find(({ base }) => base === undefined || here.has(base));
    if (ready) return ready;
    wanted = ways[0]?.base;
  }
  return undefined;
}

export function encodeGrant(known: KnownGrant, { hide }: Hider): string {
  const { admission, ...rest } = known;
  return JSON.stringify({
    format,
    ...rest,
    admission: {
      ...admission,
      secret: hide(admission.secret),
      peers: admission.peers.map((peer) => withKey(peer, hide)),
    },
  });
}

/** Undefined when it is damaged, of another format, or was hidden by another key. */
export function decodeGrant(text: string, { show }: Hider): KnownGrant | undefined {
  const { format: found, admission, ...rest } = asObject(parseJson(text));
  const secret = show(String(asObject(admission)["secret"]));
  const known = { base: undefined, ...rest, admission: { ...asObject(admission), secret } };
  if (found !== format || !isKnown(known)) return undefined;
  // With a key that cannot be read a peer cannot be dialled.
  const peers = known.admission.peers.flatMap((peer) => {
    if (peer.key === undefined) return [peer];
    const key = show(peer.key);
    return key === undefined ? [] : [{ ...peer, key }];
  });
  return { ...known, admission: { ...known.admission, peers } };
}

function isKnown(value: object): value is KnownGrant {
  const {
    repo,
    commit,
    base = "0".repeat(40),
    isCarried,
    isWhole,
    givenAt,
    admission,
  } = value as Partial<KnownGrant>;
  const { artifact, secret, holder, hubKey, bytes, expiresAt, hubNow, peers } = asObject(admission);
  return (
    [repo, holder, hubKey].every((it) => typeof it === "string") &&
    [commit, base].every((it) => typeof it === "string" && isHash(it)) &&
    [artifact, secret].every((it) => typeof it === "string" && /^[0-9a-f]{64}$/.test(it)) &&
    [isCarried, isWhole].every((it) => typeof it === "boolean") &&
    [givenAt, bytes, expiresAt, hubNow].every((it) => Number.isSafeInteger(it)) &&
    Array.isArray(peers) &&
    peers.every((peer) => check(swarmPeerSchema, peer).ok)
  );
}

function isHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : {};
}
