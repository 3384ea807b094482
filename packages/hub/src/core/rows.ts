/**
 * The rows of the ledger and the keys they live under:
 *
 *     drones/<identity>                            environments/<repo>/<environment>
 *     deployments/<id>                             releases/<repo>/<environment>/<number, 8 digits>
 *     routes/<repo>/<environment>                  rollouts/<repo>/<environment>/<number, 8 digits>
 *     placements/<deployment>                      holds/<deployment>/<identity>/<service>
 *     spawned/<deployment>/<service>               events/<number, 12 digits>
 *     proxies/<identity>                           said/<repo>/<environment>
 *     branches/<repo>/<branch>
 *
 * What is read back from disk is checked against these schemas like anything foreign.
 */
import {
  branchLabel,
  deploymentId,
  droneOutcomeSchema,
  eventSchema,
  experimentSchema,
  hostRouteSchema,
  labelsSchema,
  releaseStateSchema,
  rolloutPhaseSchema,
  routeSchema,
  rulesSchema,
  serviceSchema,
  shadowSchema,
  specificationSchema,
  wavesSchema,
  type ClusterEvent,
} from "@propagit/protocol";
import { Type, type Static } from "typebox";
import { acmeRow, certificateRow, orderRow } from "./certificate-rows.js";
import { canaryRow } from "./canary-row.js";
import { filesRow } from "./files-rows.js";

const commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });
const name = Type.String({ minLength: 1, maxLength: 63 });
const time = Type.Integer({ minimum: 0 });
const count = Type.Integer({ minimum: 0 });
const lastLines = Type.Optional(Type.Array(Type.String()));

/** A drone that joined once: so that it has its name, and is missed, also after a restart of the hub. */
const droneRow = Type.Object({
  identity: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  name,
  /** The name it asked for; while it asks for the same it keeps the one it got. */
  wanted: name,
  /** What its own command is; absent when it has none, and runs what repositories say. */
  service: Type.Optional(name),
  host: Type.String(),
  /** Those it was started with. */
  labels: Type.Record(Type.String(), Type.String()),
  /** Changes of them for good; an undefined label is in `unset`. */
  relabelled: Type.Optional(
    Type.Object({ set: labelsSchema, unset: Type.Array(Type.String(), { maxItems: 64 }) }),
  ),
  /** It gets nothing new. */
  draining: Type.Optional(Type.Boolean()),
  /** It is a relay that runs no instances. */
  carriesOnly: Type.Optional(Type.Boolean()),
  version: Type.String(),
  /** As of the last change that was written; a hub that restarts takes `connected` for just lost. */
  state: Type.Enum(["connected", "away", "left"]),
  since: time,
});
export type DroneRow = Static<typeof droneRow>;

/** A setting as it is kept: always hidden (`Crypto.encrypt`) under the hub's own key. */
const settingRow = Type.Object({
  hidden: Type.String(),
  secret: Type.Boolean(),
  at: time,
  by: Type.String(),
});
export type SettingRow = Static<typeof settingRow>;
const settings = Type.Record(Type.String(), settingRow);
export type SettingRows = Static<typeof settings>;
/** Instances by service, over what the manifest says. */
const scales = Type.Record(Type.String(), count);

/** Something that is to run, or to be built and tested first; releases may share it. */
const deploymentRow = Type.Object({
  id: deploymentId,
  repo: name,
  environment: name,
  commit,
  /** The commit to check out; absent until the build made it. */
  artifact: Type.Optional(commit),
  /** Number of the newest release that runs it. */
  release: count,
  /** Of that release. */
  specification: specificationSchema,
  settings,
  since: time,
  /** Drones may run it; false while it is built and tested. */
  started: Type.Boolean(),
  /** Services that may run: those whose `after` is fulfilled, in the end all. */
  services: Type.Array(name),
  /** Labels of branches that lead to it, see `branch-edits.ts`; absent when there are none. */
  branches: Type.Optional(Type.Array(branchLabel)),
  /** Identities of the drones that its waves have reached; absent: all that fit. */
  only: Type.Optional(Type.Array(Type.String())),
  /** Drones of the wave under way, and which services may run there by now; absent: the same as on the others. */
  wave: Type.Optional(
    Type.Object({ drones: Type.Array(Type.String()), services: Type.Array(name) }),
  ),
});
export type DeploymentRow = Static<typeof deploymentRow>;

/** Where instances of services that are counted in total are, by service and drone. */
const placementRow = Type.Object({
  deployment: deploymentId,
  counts: Type.Record(Type.String(), Type.Record(Type.String(), count)),
});

/** Instances that a user ended on one drone, and that stay so. */
const holdRow = Type.Object({
  deployment: deploymentId,
  identity: Type.String(),
  /** Empty for a drone's own command. */
  service: Type.String(),
  slots: Type.Array(count),
});
export type HoldRow = Static<typeof holdRow>;

/** A service that a user started beside those of the manifest. */
const spawnedRow = Type.Object({
  deployment: deploymentId,
  service: serviceSchema,
  /** Identities of the drones that run it. */
  drones: Type.Array(Type.String()),
  by: Type.String(),
  at: time,
});
export type SpawnedRow = Static<typeof spawnedRow>;

/** One repo in one environment: what is set there, and which releases were live. */
const environmentRow = Type.Object({
  repo: name,
  environment: name,
  /** Number of the newest release; numbers are never given twice. */
  lastRelease: count,
  /** Releases that visitors were sent to, oldest first; the last one is current. At most 200. */
  live: Type.Array(count),
  settings,
  scales,
  /** Identity of the drone that built last, and has the caches. */
  builtOn: Type.Optional(Type.String()),
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
  lastLines,
  phases: Type.Array(Type.Object({ phase: rolloutPhaseSchema, tookMs: count })),
  drones: Type.Array(droneOutcomeSchema),
  specification: specificationSchema,
  settings,
  /** Of its environment at that time; releases of former versions do not say. */
  scales: Type.Optional(scales),
  pinned: Type.Boolean(),
  /** Branches that it was asked for by, and that lead to it once it is ready. */
  branches: Type.Optional(Type.Array(Type.String(), { maxItems: 20 })),
  /** When visitors were last sent away from it; absent while they come, or never came. */
  leftAt: Type.Optional(time),
  /** The plan's run that carried it out, or does; releases of former versions had none. */
  run: Type.Optional(Type.String()),
  presence: Type.Enum(["running", "kept", "removed"]),
});
export type ReleaseRow = Static<typeof releaseRow>;

/** A task that was given to a drone, or waits for one. */
const taskRow = Type.Object({
  /** No drone runs the same id twice. */
  id: Type.String(),
  kind: Type.Enum(["build", "test", "release"]),
  /** Identity of its drone; absent while none that fits is there. */
  identity: Type.Optional(Type.String()),
  startedAt: time,
  /** 1 for the first; a build or test whose drone was lost is begun again. */
  attempt: count,
});
export type TaskRow = Static<typeof taskRow>;

/** A release on its way: what the machine in `rollout.ts` remembers while the tasks of its plan are carried out. */
const rolloutRow = Type.Object({
  repo: name,
  environment: name,
  number: count,
  deployment: deploymentId,
  acceptedAt: time,
  phase: rolloutPhaseSchema,
  /** When the phase began. */
  phaseAt: time,
  /** Said by whoever asked; otherwise as the specification says. */
  promote: Type.Optional(Type.Boolean()),
  /** The plan's run that carries it out; absent until it has one. */
  run: Type.Optional(Type.String()),
  /** Said by whoever asked, over what its manifest says. */
  waves: Type.Optional(wavesSchema),
  /** What runs of it already is restarted. */
  redeploy: Type.Optional(Type.Boolean()),
  /** Its plan is not what `releasePlan` makes of it, and is nowhere but in its run. */
  ownPlan: Type.Optional(Type.Boolean()),
  /** What of its plan is done and need not be done again; absent while it waits in the queue. */
  done: Type.Optional(Type.Enum(["open-release", "build", "test", "release-step", "start"])),
  task: Type.Optional(taskRow),
  /** Drones when it began to start, so that what ran or failed before is told apart. */
  drones: Type.Array(
    Type.Object({
      identity: Type.String(),
      wasThere: Type.Boolean(),
      ranBefore: Type.Boolean(),
      staleFailures: Type.Array(Type.String()),
    }),
  ),
  /** Since when one of them fails while others are on their way; absent while none does. */
  failingSince: Type.Optional(time),
  /** The deployment as it was before, for when this comes to nothing; absent when there was none. */
  former: Type.Optional(deploymentRow),
  /** Why it comes to nothing: the first reason. */
  failure: Type.Optional(
    Type.Object({
      state: Type.Enum(["failed", "cancelled"]),
      reason: Type.String(),
      lastLines,
      drones: Type.Array(droneOutcomeSchema),
    }),
  ),
});
export type RolloutRow = Static<typeof rolloutRow>;

/** A proxy that was here: so that a switch waits for it after a restart of the hub. */
const proxyRow = Type.Object({
  identity: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  name,
  /** The name it asked for. */
  wanted: name,
  /** Where it takes visitors. */
  address: Type.String(),
  zone: Type.Optional(name),
  version: Type.String(),
  /** As of the last change that was written; a hub that restarts takes `connected` for just lost. */
  state: Type.Enum(["connected", "away", "left"]),
  since: time,
});
export type ProxyRow = Static<typeof proxyRow>;

const said = { by: Type.String(), since: time };

/** What was said by hand about the traffic of one repo in one environment: over the manifest, for all releases. */
const saidRow = Type.Object({
  repo: name,
  environment: name,
  rules: rulesSchema,
  /** Rules of the manifest that are taken away. */
  off: Type.Array(Type.String()),
  /** Who said each of both, and when. */
  authors: Type.Record(Type.String(), Type.Object(said)),
  hosts: Type.Array(Type.Object({ route: hostRouteSchema, ...said })),
  /** In the order they were started. */
  experiments: Type.Array(experimentSchema),
  shadow: Type.Optional(Type.Object({ to: shadowSchema, ...said })),
});
export type SaidRow = Static<typeof saidRow>;

/** Where a branch leads: to what was deployed of it last. */
const branchRow = Type.Object({
  repo: name,
  branch: Type.String({ minLength: 1, maxLength: 250 }),
  environment: name,
  deployment: deploymentId,
  /** When it was first deployed: of two with the same label the older one has it. */
  since: time,
});
export type BranchRow = Static<typeof branchRow>;

/** The end of a plan's run that the log of events has: whoever comes again does not say it twice. */
const planEndRow = Type.Object({ run: Type.String(), endedAt: time });

/** A task of a plan that is a change in one step has written its change, and what that was about. */
const stepRow = Type.Object({
  run: Type.String(),
  at: time,
  ids: Type.Array(Type.String()),
  places: Type.Array(holdRow),
});
export type StepRow = Static<typeof stepRow>;

export const tables = {
  drones: droneRow,
  deployments: deploymentRow,
  routes: routeSchema,
  environments: environmentRow,
  releases: releaseRow,
  rollouts: rolloutRow,
  placements: placementRow,
  holds: holdRow,
  spawned: spawnedRow,
  certificates: certificateRow,
  acme: acmeRow,
  orders: orderRow,
  proxies: proxyRow,
  said: saidRow,
  branches: branchRow,
  canaries: canaryRow,
  files: filesRow,
  planEnds: planEndRow,
  steps: stepRow,
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

export function branchKey(repo: string, branch: string): string {
  return `${repo}/${branch}`;
}

/** Key of an environment, a route or what was said of it within its table. */
export function placeKey(repo: string, environment: string): string {
  return `${repo}/${environment}`;
}

/** Key of a release or rollout within its table; in the order of numbers. */
export function releaseKey(repo: string, environment: string, number: number): string {
  return `${repo}/${environment}/${String(number).padStart(8, "0")}`;
}

export function holdKey({ deployment, identity, service }: Omit<HoldRow, "slots">): string {
  return `${deployment}/${identity}/${service}`;
}

export function spawnedKey(deployment: string, service: string): string {
  return `${deployment}/${service}`;
}
