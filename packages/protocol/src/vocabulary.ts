/** The things that parts tell each other about, as schemas; the types are derived from them. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { commit, count, exact, forLargeValues, list, name, oneOf, port, text } from "./shape.js";
import { deploymentId } from "./traffic.js";

const word = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" });

/** Free metadata of a record: up to 32 short texts by name. */
export const metaSchema = Type.Record(word, text(1_024), {
  maxProperties: 32,
  // Without it a name that does not fit the pattern would pass, with anything as its value.
  additionalProperties: false,
});

/** Labels of a drone: up to 64 short texts by name. */
export const labelsSchema = Type.Record(word, text(63), {
  maxProperties: 64,
  additionalProperties: false,
});

const version = Type.String({ minLength: 1, maxLength: 64 });
const host = Type.String({ minLength: 1, maxLength: 255, pattern: "^[A-Za-z0-9._:-]+$" });

/** Metadata key under which an instance's process id is kept, so that its drone recognises it. */
export const processMetaKey = "process";

/** An endpoint: where one service of one commit listens. */
export const endpointSchema = exact({
  id: Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9._-]+$" }),
  service: name,
  version,
  commit: Type.Optional(commit),
  host,
  port,
  meta: metaSchema,
});
export type Endpoint = Static<typeof endpointSchema>;

/** What somebody registers; what is left out is filled in by the registry. */
export const registrationSchema = exact({
  id: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9._-]+$" })),
  service: name,
  version: Type.Optional(version),
  commit: Type.Optional(commit),
  host: Type.Optional(host),
  port,
  meta: Type.Optional(metaSchema),
});
export type Registration = Static<typeof registrationSchema>;

/** Which endpoints somebody asks for; all given parts must fit. */
export const endpointQuerySchema = exact({
  /** `name`, or `name@range` with a semver range. */
  service: Type.Optional(text(200)),
  commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{4,64}$" })),
  meta: Type.Optional(metaSchema),
});
export type EndpointQuery = Static<typeof endpointQuerySchema>;

/** Where a watcher stands: revisions count within one life of the registry, the epoch names that life. */
export const positionSchema = exact({ epoch: text(40), revision: count });
export type Position = Static<typeof positionSchema>;

/**
 * One step of a watch. A snapshot replaces everything; `settled` is false while a restarted registry
 * still waits for owners to come back, so that its silence is not taken for emptiness.
 */
export const endpointUpdateSchema = forLargeValues(
  Type.Union([
    exact({
      kind: Type.Literal("snapshot"),
      at: positionSchema,
      settled: Type.Boolean(),
      endpoints: list(endpointSchema, 100_000),
      /** True: the next snapshot belongs to this one, because all together would not fit into a frame. */
      more: Type.Optional(Type.Boolean()),
    }),
    exact({ kind: Type.Literal("up"), at: positionSchema, endpoint: endpointSchema }),
    exact({
      kind: Type.Literal("down"),
      at: positionSchema,
      endpoint: endpointSchema,
      reason: oneOf("freed", "expired"),
    }),
    /** A restarted registry has waited long enough: what is missing now is gone. */
    exact({ kind: Type.Literal("settled"), at: positionSchema }),
  ]),
);
export type EndpointUpdate = Static<typeof endpointUpdateSchema>;

/** A deployment as one drone should run it. */
export const assignmentSchema = exact({
  id: deploymentId,
  repo: name,
  environment: name,
  commit,
  /** The commit whose files are checked out: made by the build, else `commit` itself. */
  artifact: commit,
  release: count,
  /** Instances on this drone by service. Ignored by a drone with a command of its own, which runs that once. */
  services: list(
    exact({
      service: name,
      instances: Type.Integer({ minimum: 0, maximum: 1_000 }),
      /** Slots that a user ended, and that stay so: the instances are in the lowest of the others. */
      held: Type.Optional(list(count, 1_000)),
    }),
    100,
  ),
});
export type Assignment = Static<typeof assignmentSchema>;

/**
 * How far an instance is.
 *
 *     waiting > fetching > checking-out > starting > ready > stopping > stopped
 *                  \            \            \         |
 *                   \            \            \--------+--> restarting (back-off) > starting
 *                    \------------\---> failed (tried again later)
 */
export const instancePhases = [
  "waiting",
  "fetching",
  "checking-out",
  "starting",
  "ready",
  "restarting",
  "failed",
  "stopping",
  "stopped",
] as const;
export const instancePhaseSchema = oneOf(...instancePhases);
export type InstancePhase = (typeof instancePhases)[number];

/** What a drone observes of one instance. */
export const instanceReportSchema = exact({
  /** PROCESS_ID of the instance. */
  process: text(40),
  repo: name,
  commit,
  service: name,
  deployment: Type.Optional(deploymentId),
  environment: Type.Optional(name),
  /** Number of the release it was started for. */
  release: Type.Optional(count),
  /** 1, 2, … among the instances of its service on its drone. */
  slot: Type.Optional(count),
  phase: instancePhaseSchema,
  pid: Type.Optional(count),
  /** Where it answers; absent for workers and until it is ready. */
  port: Type.Optional(port),
  /** Names under which it is in the registry. */
  services: list(name, 32),
  restarts: count,
  /** When the phase began, in ms since 1970. */
  since: count,
  /** Of the last checks; absent while there are none. Without `passing` it has no record. */
  health: Type.Optional(oneOf("passing", "failing")),
  /** Why it failed, restarts or stopped: a sentence. */
  reason: Type.Optional(text(2_000)),
  /** Last lines of its output, when it failed. */
  lastLines: Type.Optional(list(text(500), 20)),
});
export type InstanceReport = Static<typeof instanceReportSchema>;

/** What a drone measures of its machine when it is asked. */
export const machineSchema = exact({
  /** Of the last minute. */
  load: Type.Number({ minimum: 0 }),
  cores: count,
  memoryBytes: count,
  memoryFreeBytes: count,
  /** Of the file system that holds its data folder. */
  diskBytes: count,
  diskFreeBytes: count,
});
export type Machine = Static<typeof machineSchema>;

/** What a drone measures of one instance's processes when it is asked. */
export const usageSchema = exact({
  process: text(40),
  /** Of one core, since the process started. */
  cpuPercent: Type.Number({ minimum: 0 }),
  memoryBytes: count,
});
export type Usage = Static<typeof usageSchema>;

export const droneSummarySchema = exact({
  name,
  /** What its own command is; absent when it has none. */
  service: Type.Optional(name),
  host: text(255),
  labels: labelsSchema,
  state: oneOf("connected", "away", "left"),
  /** When that state began, in ms since 1970. */
  since: count,
  version: text(64),
  instances: count,
  /** It gets no new instances, and its own are moved away. */
  draining: Type.Optional(Type.Boolean()),
  /** It runs a command of its own, whatever a repository says. */
  ownCommand: Type.Optional(Type.Boolean()),
  /** It is a relay: where it takes drones of its zone in, and whether it runs no instances. */
  relay: Type.Optional(exact({ address: text(300), carriesOnly: Type.Optional(Type.Boolean()) })),
  /** Name of the relay through which it is connected; absent: none. */
  through: Type.Optional(name),
  machine: Type.Optional(machineSchema),
});
export type DroneSummary = Static<typeof droneSummarySchema>;

export const instanceSummarySchema = exact({
  drone: name,
  host: text(255),
  /** The drone cannot be reached; the report is the last one it made. */
  away: Type.Boolean(),
  /** Weight of the commit's share in its repository's route, in percent; 0 when nobody is sent there. */
  sharePercent: Type.Number({ minimum: 0, maximum: 100 }),
  /** Variants of experiments as `checkout=new`, and copies as `copy of 5 %`; absent: nothing but its share. */
  serves: Type.Optional(Type.Array(text(200), { maxItems: 1_000 })),
  report: instanceReportSchema,
  usage: Type.Optional(usageSchema),
});
export type InstanceSummary = Static<typeof instanceSummarySchema>;

export const eventSchema = exact({
  /** Number of the event, rising by one. */
  number: count,
  at: count,
  kind: oneOf(
    "pushed",
    "deployed",
    "deploy-failed",
    "promoted",
    "split",
    "stopped",
    "drone-joined",
    "drone-away",
    "drone-left",
    "proxy-joined",
    "proxy-away",
    "proxy-left",
    "instance-ready",
    "instance-failed",
    "instance-stopped",
    "deploy-queued",
    "deploy-started",
    "deploy-cancelled",
    "built",
    "configured",
    "scaled",
    "restarted",
    "spawned",
    "moved",
    "reaped",
    "pinned",
    "unpinned",
    "drained",
    "undrained",
    "labelled",
    "ran",
    "certificate-added",
    "certificate-removed",
    "certificate-renewed",
    "certificate-failed",
    "rollout-began",
    "rollout-step",
    "rollout-ended",
    "paused",
    "resumed",
    "rules-changed",
    "experiment-started",
    "experiment-stopped",
    "shadow-started",
    "shadow-stopped",
    "files-pushed",
    "files-failed",
    "plan-began",
    "plan-ended",
    "plan-asked",
  ),
  repo: Type.Optional(name),
  environment: Type.Optional(name),
  release: Type.Optional(count),
  /** Who asked for it, as he called himself. */
  by: Type.Optional(text(200)),
  commit: Type.Optional(commit),
  drone: Type.Optional(name),
  /** The whole event in one sentence. */
  text: text(2_000),
});
export type ClusterEvent = Static<typeof eventSchema>;
export type EventKind = ClusterEvent["kind"];

/** Where the registry of the cluster is, as the hub tells drones and proxies. */
export const registryPlaceSchema = exact({
  /** Undefined: the hub's own address, whatever name the peer knows it by. */
  host: Type.Optional(text(255)),
  port,
  /** It has no secret, and the hub's operator says that this is fine. */
  open: Type.Boolean(),
  /** It is the hub's own, on its port: wherever the hub is reached, also through a relay, it is. */
  own: Type.Optional(Type.Boolean()),
});
export type RegistryPlace = Static<typeof registryPlaceSchema>;
