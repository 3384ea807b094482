/** From what somebody registers to the record that everybody sees: checked, completed, in one spelling. */
import {
  deploymentMetaKey,
  isCommitHash,
  parseServiceName,
  processMetaKey,
  PropagitError,
  quote,
  type Endpoint,
  type Peer,
  type Registration,
} from "@propagit/protocol";
import { parseVersion, versionDefault } from "./service.js";

export type Meta = Endpoint["meta"];

/** What is filled in when the owner does not say it. */
export interface RecordDefaults {
  /** A fresh random id. */
  readonly id: string;
  /** The owner's address as the registry sees it. */
  readonly host: string;
}

const metaKeyPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const hostPattern = /^[A-Za-z0-9._-]{1,255}$/;

/** @throws BAD_NAME, BAD_RECORD */
export function completeRecord(registration: Registration, defaults: RecordDefaults): Endpoint {
  const { service, version = versionDefault, commit, port } = registration;
  if (commit !== undefined && !isCommitHash(commit)) {
    throw badRecord(`commit ${quote(commit)} is not 40 or 64 hex characters`);
  }
  return {
    id: registration.id ?? defaults.id,
    service: parseServiceName(service),
    version: parseVersion(version),
    ...(commit !== undefined && { commit }),
    host: plainRecordHost(registration.host ?? defaults.host),
    port,
    meta: checkMeta(registration.meta ?? {}),
  };
}

/**
 * Metadata with allowed keys only; sorted, so that equal metadata looks equal.
 *
 * @throws BAD_RECORD
 */
export function checkMeta(meta: Meta): Meta {
  const entries = Object.entries(meta).sort(([left], [right]) => (left < right ? -1 : 1));
  const wrong = entries.find(([key]) => !metaKeyPattern.test(key));
  if (wrong) throw badRecord(`metadata key ${quote(wrong[0])} is not allowed`);
  return Object.fromEntries(entries);
}

/**
 * A registration as its owner may make it: who holds a token registers for the commit and the process
 * of that token only, and what he leaves out is filled in from it.
 *
 * @throws DENIED
 */
export function admitRegistration(
  access: Peer["access"],
  registration: Registration,
): Registration {
  if (typeof access === "string") return registration;
  const { commit = access.commit, meta = {} } = registration;
  if (commit !== access.commit) {
    throw new PropagitError("DENIED", `this token is good for commit ${access.commit} only`, {
      hint: "leave the commit out, or use the token of that commit",
    });
  }
  return { ...registration, commit, meta: admitMeta(access, meta) };
}

/** @throws DENIED */
export function admitMeta(access: Peer["access"], meta: Meta): Meta {
  if (typeof access === "string") return meta;
  const process = Object.hasOwn(meta, processMetaKey) ? meta[processMetaKey] : access.process;
  if (process !== access.process) {
    throw new PropagitError("DENIED", `this token is good for process ${access.process} only`, {
      hint: `leave ${processMetaKey} out of the metadata`,
    });
  }
  return {
    ...meta,
    [processMetaKey]: access.process,
    ...(access.deployment !== undefined && { [deploymentMetaKey]: access.deployment }),
  };
}

/**
 * A host in its one spelling, so that two records of one place are seen as such.
 *
 * @throws BAD_RECORD
 */
export function plainRecordHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (!bare.includes(":")) {
    // A URL takes fewer names (`1.2.3.999`, `app.1`), and a place that no URL can name serves nobody.
    if (hostPattern.test(bare) && URL.canParse(`http://${bare}/`)) return bare;
    throw badRecord(`host ${quote(host)} is neither a name nor an address`);
  }
  // IPv4 in IPv6 clothes, as a socket that listens on both reports it.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  return mapped?.[1] ?? shortestIPv6(bare, host);
}

/**
 * The host to publish for a peer that does not say one: its address as seen here. Both loopbacks are
 * written 127.0.0.1, because a service that listens on "all addresses" is certain to be at that one.
 */
export function hostOfPeer(remoteHost: string): string {
  const bare = remoteHost.replace(/%.*$/, "");
  return bare === "::1" ? "127.0.0.1" : bare;
}

/** URL knows the shortest spelling of an IPv6 address, and whether it is one. */
function shortestIPv6(bare: string, host: string): string {
  try {
    return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  } catch {
    throw badRecord(`host ${quote(host)} is neither a name nor an address`);
  }
}

function badRecord(message: string): PropagitError {
  return new PropagitError("BAD_RECORD", message);
}
