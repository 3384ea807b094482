/**
 * Every method that can be called in a session: what goes in, what comes out, and what comes on the
 * way (`part`). Methods and fields are append-only; each has a golden file in `test/golden`.
 *
 * `cluster` methods need the secret (or a server without one); `open` ones also take a token.
 */
import { Type, type Static, type TSchema } from "typebox";
import { commit, count, exact, list, name, oneOf, port, text } from "./shape.js";
import {
  deploymentSchema,
  droneSummarySchema,
  endpointQuerySchema,
  endpointSchema,
  endpointUpdateSchema,
  eventSchema,
  instanceReportSchema,
  instanceSummarySchema,
  labelsSchema,
  metaSchema,
  positionSchema,
  registrationSchema,
  routeBookSchema,
  routeSchema,
} from "./vocabulary.js";

interface Method {
  readonly params: TSchema;
  readonly result: TSchema;
  readonly part?: TSchema;
  readonly needs: "cluster" | "token";
}

const nothing = exact({});
const lease = Type.String({ pattern: "^[0-9a-f]{32}$" });
/** A commit as a user writes it: full hash, unique prefix, branch or tag. */
const reference = Type.String({ minLength: 1, maxLength: 250 });

const droneOutcomeSchema = exact({
  drone: name,
  outcome: oneOf("ready", "unchanged", "stopped", "failed", "away"),
  /** Where it answers, when it does. */
  port: Type.Optional(port),
  reason: Type.Optional(text(2_000)),
  lastLines: Type.Optional(list(text(500), 20)),
});
export type DroneOutcome = Static<typeof droneOutcomeSchema>;

const droneProgressSchema = exact({
  at: count,
  drone: name,
  phase: oneOf(
    "fetched",
    "checked out",
    "started",
    "ready",
    "unchanged",
    "stopping",
    "stopped",
    "failed",
    "away",
  ),
  port: Type.Optional(port),
  reason: Type.Optional(text(2_000)),
  lastLines: Type.Optional(list(text(500), 20)),
});
export type DroneProgress = Static<typeof droneProgressSchema>;

const deployResultSchema = exact({
  repo: name,
  commit,
  /** `unchanged`: every drone ran it already and nothing was done. */
  outcome: oneOf("ready", "unchanged", "failed"),
  /** Whether visitors were sent to it, being the first of its repository. */
  promoted: Type.Boolean(),
  drones: list(droneOutcomeSchema, 10_000),
});
export type DeployResult = Static<typeof deployResultSchema>;

const stopResultSchema = exact({
  repo: name,
  commit,
  outcome: oneOf("stopped", "failed"),
  drones: list(droneOutcomeSchema, 10_000),
});
export type StopResult = Static<typeof stopResultSchema>;

/** Where the registry of the cluster is, as the hub tells drones and proxies. */
const registryPlaceSchema = exact({
  /** Undefined: the hub's own address, whatever name the peer knows it by. */
  host: Type.Optional(text(255)),
  port,
  /** It has no secret, and the hub's operator says that this is fine. */
  open: Type.Boolean(),
});
export type RegistryPlace = Static<typeof registryPlaceSchema>;

const joinedSchema = exact({
  /** The name the drone is known by from now on; `-1`, `-2`, … after the wanted one on a clash. */
  name,
  registry: registryPlaceSchema,
  /** Which hub this is, by its data folder: another one knows nothing of what the drone should run. */
  hub: Type.Optional(Type.String({ pattern: "^[0-9a-f]{32}$" })),
});

export const hubMethods = {
  /** Deploys a commit to every drone; parts tell how far each one is. */
  "hub.deploy": {
    params: exact({ repo: text(60), ref: reference }),
    part: droneProgressSchema,
    result: deployResultSchema,
    needs: "cluster",
  },
  /** Sends all visitors of a repository to one commit. */
  "hub.promote": {
    params: exact({ repo: text(60), ref: reference }),
    result: routeSchema,
    needs: "cluster",
  },
  /** Divides the visitors of a repository between commits. */
  "hub.split": {
    params: exact({
      repo: text(60),
      shares: list(exact({ ref: reference, weight: Type.Number() }), 20),
    }),
    result: routeSchema,
    needs: "cluster",
  },
  /** Stops a commit on every drone. */
  "hub.stop": {
    params: exact({ repo: text(60), ref: reference, force: Type.Boolean() }),
    part: droneProgressSchema,
    result: stopResultSchema,
    needs: "cluster",
  },
  /** Every instance as its drone reports it. */
  "hub.ps": {
    params: nothing,
    /** Instances that do not fit into the frame of the result; they belong before it. */
    part: list(instanceSummarySchema, 100_000),
    result: exact({ instances: list(instanceSummarySchema, 100_000) }),
    needs: "cluster",
  },
  "hub.drones": {
    params: nothing,
    /** As with `hub.ps`. */
    part: list(droneSummarySchema, 100_000),
    result: exact({ drones: list(droneSummarySchema, 100_000) }),
    needs: "cluster",
  },
  /**
   * The last events, those that do not fit into the frame of the result as parts before it; with `follow`
   * all come as parts, then new ones until the caller cancels.
   */
  "hub.events": {
    params: exact({ last: Type.Integer({ minimum: 0, maximum: 10_000 }), follow: Type.Boolean() }),
    part: eventSchema,
    result: exact({ events: list(eventSchema, 10_000) }),
    needs: "cluster",
  },
  /** Routes and running commits: the whole book at once and again after each change, as parts. */
  "hub.routes": {
    params: nothing,
    part: routeBookSchema,
    result: nothing,
    needs: "cluster",
  },
  /** For a proxy: says hello, learns where the registry is. */
  "hub.meet": {
    params: nothing,
    result: exact({ registry: registryPlaceSchema }),
    needs: "cluster",
  },
  /** A drone introduces itself, after every connect; first its reports are believed, then it is told what to run. */
  "hub.join": {
    params: exact({
      /** Kept in the drone's data folder, so that it is the same drone after a restart. */
      identity: Type.String({ pattern: "^[0-9a-f]{32}$" }),
      name,
      labels: labelsSchema,
      service: name,
      host: text(255),
      version: text(64),
      instances: list(instanceReportSchema, 4_000),
    }),
    result: joinedSchema,
    needs: "cluster",
  },
  /** A drone ends on purpose: it is not waited for. */
  "hub.leave": { params: nothing, result: nothing, needs: "cluster" },
} as const satisfies Record<string, Method>;

export const registryMethods = {
  "registry.grant": {
    params: exact({ ttlMs: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }) }),
    result: exact({ lease, ttlMs: count }),
    needs: "token",
  },
  "registry.renew": { params: exact({ lease }), result: exact({ ttlMs: count }), needs: "token" },
  /** Ends a lease and frees its records at once. */
  "registry.revoke": { params: exact({ lease }), result: nothing, needs: "token" },
  /** Puts a record under a lease; the same id again replaces it. */
  "registry.register": {
    params: exact({ lease, record: registrationSchema }),
    result: exact({ endpoint: endpointSchema }),
    needs: "token",
  },
  "registry.set": {
    params: exact({ lease, id: text(64), meta: metaSchema }),
    result: exact({ endpoint: endpointSchema }),
    needs: "token",
  },
  "registry.free": { params: exact({ lease, id: text(64) }), result: nothing, needs: "token" },
  "registry.query": {
    params: endpointQuerySchema,
    /** Endpoints that do not fit into the frame of the result; they belong before it. */
    part: list(endpointSchema, 100_000),
    result: exact({
      at: positionSchema,
      settled: Type.Boolean(),
      endpoints: list(endpointSchema, 100_000),
    }),
    needs: "token",
  },
  /** A snapshot, or the changes since a position; then changes as parts until cancelled. */
  "registry.watch": {
    params: exact({ since: Type.Optional(positionSchema) }),
    part: endpointUpdateSchema,
    result: nothing,
    needs: "token",
  },
} as const satisfies Record<string, Method>;

export const methods = { ...hubMethods, ...registryMethods } as const;

/** What is told without an answer. */
export const tellings = {
  /** Hub to drone: everything it should run, replacing what was told before. */
  "drone.desire": exact({ revision: count, deployments: list(deploymentSchema, 4_000) }),
  /** Drone to hub: one instance as it is now. */
  "hub.instance": exact({
    instance: instanceReportSchema,
    /** What was just done, when that is a step of its own. */
    step: Type.Optional(oneOf("fetched", "checked out", "started")),
  }),
  /** Drone to hub: an instance that is no more. */
  "hub.instance-gone": exact({ process: text(40) }),
} as const satisfies Record<string, TSchema>;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = Static<(typeof methods)[M]["params"]>;
export type Result<M extends MethodName> = Static<(typeof methods)[M]["result"]>;
export type Part<M extends MethodName> = (typeof methods)[M] extends {
  part: infer P extends TSchema;
}
  ? Static<P>
  : never;
export type TellingName = keyof typeof tellings;
export type Telling<T extends TellingName> = Static<(typeof tellings)[T]>;

export function isMethod(method: string): method is MethodName {
  return Object.hasOwn(methods, method);
}

export function isTelling(method: string): method is TellingName {
  return Object.hasOwn(tellings, method);
}
