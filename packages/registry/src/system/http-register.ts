/** `POST /v1/records`: one call that gets a lease, a port and a record, for clients that are not ours. */
import { networkInterfaces } from "node:os";
import {
  check,
  isLoopback,
  PropagitError,
  registrationSchema,
  toPropagitError,
  type Endpoint,
  type Peer,
  type Registration,
} from "@propagit/protocol";
import { findFreePort, nodeRandom, portRangeDefault, randomBetween } from "@propagit/runtime";
import { Type, type Static } from "typebox";
import { admitRegistration, hostOfPeer, plainRecordHost } from "../core/record.js";
import { parseNamedService } from "../core/service.js";
import type { GrantedLease, Registry } from "../registry.js";

const { id, service, version, commit, host, port, meta } = registrationSchema.properties;

/** What may be posted; `service` also as `name@version`. */
const bodySchema = Type.Object(
  {
    id,
    service: Type.Union([service, Type.String({ maxLength: 130 })]),
    version,
    commit,
    host,
    port: Type.Optional(port),
    meta,
    /** Of a new lease. */
    ttlMs: Type.Optional(Type.Integer()),
    /** An own lease that holds this record as well. */
    lease: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

export interface Registered extends GrantedLease {
  readonly endpoint: Endpoint;
}

/** Ports tried when the registry chooses. */
const portTriesMax = 20;

export interface PostedRecord {
  readonly body: unknown;
  readonly access: Peer["access"];
  /** The sender's address as seen here. */
  readonly remoteHost: string;
}

/** @throws BAD_RECORD, BAD_NAME, DENIED, NO_LEASE, NOT_OWNER, PORT_TAKEN, NO_FREE_PORT, OVERLOADED */
export async function registerPosted(
  registry: Registry,
  { body, access, remoteHost }: PostedRecord,
): Promise<Registered> {
  const posted = readBody(body);
  const granted = await leaseFor(registry, posted);
  try {
    const register = (port: number) =>
      registry.register(
        granted.lease,
        admitRegistration(access, registrationOf(posted, port)),
        remoteHost,
      );
    const endpoint =
      posted.port === undefined
        ? await onFreePort(registry, posted.host ?? hostOfPeer(remoteHost), register)
        : await register(posted.port);
    return { ...granted, endpoint };
  } catch (thrown) {
    // A lease that nobody was told of would only take room until it ends.
    if (posted.lease === undefined) await registry.revoke(granted.lease).catch(() => undefined);
    throw thrown;
  }
}

type Posted = Static<typeof bodySchema>;

function readBody(body: unknown): Posted {
  const checked = check(bodySchema, body ?? {});
  if (!checked.ok) throw new PropagitError("BAD_RECORD", `the record's ${checked.reason}`);
  const posted = checked.value;
  if (posted.lease !== undefined && posted.ttlMs !== undefined) {
    throw new PropagitError("BAD_RECORD", "ttlMs is set when a lease is made, not afterwards");
  }
  return posted;
}

function leaseFor(registry: Registry, { lease, ttlMs }: Posted): Promise<GrantedLease> {
  if (lease === undefined) return registry.grant(ttlMs);
  return registry.renew(lease).then((renewed) => ({ lease, ttlMs: renewed.ttlMs }));
}

function registrationOf(posted: Posted, port: number): Registration {
  const { id, service, version, commit, host, meta } = posted;
  const named = service.includes("@") ? parseNamedService(service) : { service };
  return {
    ...named,
    port,
    ...(id !== undefined && { id }),
    ...(version !== undefined && { version }),
    ...(commit !== undefined && { commit }),
    ...(host !== undefined && { host }),
    ...(meta !== undefined && { meta }),
  };
}

/** Registers at a port that no record has; proven free as well when the host is this machine. */
async function onFreePort(
  registry: Registry,
  wantedHost: string,
  register: (port: number) => Promise<Endpoint>,
): Promise<Endpoint> {
  const host = plainRecordHost(wantedHost);
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(registry, host);
    try {
      return await register(port);
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "PORT_TAKEN" || attempt >= portTriesMax) throw thrown;
    }
  }
}

async function choosePort(registry: Registry, host: string): Promise<number> {
  const isHeld = (port: number) => registry.holds(host, port);
  if (isOwnMachine(host)) return findFreePort({ random: nodeRandom, avoid: isHeld });
  for (let attempt = 1; attempt <= portTriesMax; attempt++) {
    const port = randomBetween(nodeRandom, portRangeDefault.low, portRangeDefault.high);
    if (!isHeld(port)) return port;
  }
  throw new PropagitError("NO_FREE_PORT", `${portTriesMax} ports of ${host} are all registered`);
}

function isOwnMachine(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return isLoopback(host) || own.some(({ address }) => address === host);
}
