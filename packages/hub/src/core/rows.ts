/**
 * The rows of the ledger and the keys they live under:
 *
 *     drones/<identity>   deployments/<repo>/<commit>   routes/<repo>   operations/<repo>/<commit>
 *     events/<number, 12 digits>
 *
 * What is read back from disk is checked against these schemas like anything foreign.
 */
import {
  deploymentId,
  droneOutcomeSchema,
  eventSchema,
  releaseStateSchema,
  rolloutPhaseSchema,
  routeSchema,
  specificationSchema,
  type ClusterEvent,
} from "@propagit/protocol";
import { Type, type Static } from "typebox";

const commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });
const name = Type.String({ minLength: 1, maxLength: 63 });
const time = Type.Integer({ minimum: 0 });
const count = Type.Integer({ minimum: 0 });

/** A drone that joined once: so that it has its name, and is missed, also after a restart of the hub. */
const droneRow = Type.Object({
  identity: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  name,
  /** The name it asked for; while it asks for the same it keeps the one it got. */
  wanted: name,
  service: name,
  host: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  version: Type.String(),
  /** As of the last change that was written; a hub that restarts takes `connected` for just lost. */
  state: Type.Enum(["connected", "away", "left"]),
  since: time,
});
export type DroneRow = Static<typeof droneRow>;

/** A commit that every drone should run. */
const deploymentRow = Type.Object({ repo: name, commit, since: time });
export type DeploymentRow = Static<typeof deploymentRow>;

/** A deploy or stop that was accepted and is not over: a hub that restarts goes on with it. */
const operationRow = Type.Object({
  goal: Type.Enum(["deploy", "stop"]),
  repo: name,
  commit,
  startedAt: time,
  drones: Type.Array(
    Type.Object({
      identity: Type.String(),
      drone: name,
      isConcerned: Type.Boolean(),
      ranBefore: Type.Boolean(),
      staleFailures: Type.Array(Type.String()),
    }),
  ),
});
export type OperationRow = Static<typeof operationRow>;

/** A setting as it is kept: always hidden (`Crypto.encrypt`) under the hub's own key. */
const settingRow = Type.Object({
  hidden: Type.String(),
  secret: Type.Boolean(),
  at: time,
  by: Type.String(),
});
export type SettingRow = Static<typeof settingRow>;
const settings = Type.Record(Type.String(), settingRow);

/** One repo in one environment: what is set there, and which releases were live. */
const environmentRow = Type.Object({
  repo: name,
  environment: name,
  /** Number of the newest release; numbers are never given twice. */
  lastRelease: count,
  /** Releases that visitors were sent to, oldest first; the last one is current. At most 200. */
  live: Type.Array(count),
  settings,
  /** Instances by service, over what the manifest says. */
  scales: Type.Record(Type.String(), count),
});
export type EnvironmentRow = Static<typeof environmentRow>;

/** One release: immutable but for how it goes. Its number in the key has 8 digits. */
const releaseRow = Type.Object({
  repo: name,
  environment: name,
  number: count,
  deployment: deploymentId,
  commit,
  /** Made by its build. */
  artifact: Type.Optional(commit),
  subject: Type.String(),
  kind: Type.Enum(["deploy", "rollback", "config", "scale"]),
  from: Type.Optional(count),
  by: Type.String(),
  at: time,
  endedAt: Type.Optional(time),
  state: releaseStateSchema,
  reason: Type.Optional(Type.String()),
  lastLines: Type.Optional(Type.Array(Type.String())),
  phases: Type.Array(Type.Object({ phase: rolloutPhaseSchema, tookMs: count })),
  drones: Type.Array(droneOutcomeSchema),
  specification: specificationSchema,
  settings,
  pinned: Type.Boolean(),
  /** When visitors were last sent away from it; absent while they come, or never came. */
  leftAt: Type.Optional(time),
  presence: Type.Enum(["running", "kept", "removed"]),
});
export type ReleaseRow = Static<typeof releaseRow>;

export const tables = {
  drones: droneRow,
  deployments: deploymentRow,
  routes: routeSchema,
  operations: operationRow,
  environments: environmentRow,
  releases: releaseRow,
} as const;
export type TableName = keyof typeof tables;
export type Row<T extends TableName> = Static<(typeof tables)[T]>;

/** One row to put, or to delete when `row` is undefined. */
export type Edit = {
  [T in TableName]: {
    readonly table: T;
    readonly key: string;
    readonly row: Row<T> | undefined;
  };
}[TableName];

/** An event before it has its number and time. */
export type NewEvent = Omit<ClusterEvent, "number" | "at">;

/** What is written together or not at all. */
export interface LedgerChange {
  readonly edits: readonly Edit[];
  readonly events: readonly NewEvent[];
}

export const eventRow = eventSchema;

/** Events kept; the oldest goes when a new one comes. */
export const eventsKept = 10_000;

export function eventKey(number: number): string {
  return `events/${String(number).padStart(12, "0")}`;
}

/** Key of a deployment or operation within its table. */
export function commitKey(repo: string, commit: string): string {
  return `${repo}/${commit}`;
}
