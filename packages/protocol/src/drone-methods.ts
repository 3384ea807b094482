/** What the hub calls on a drone, over the connection that the drone made. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { filesDroneMethods } from "./files-methods.js";
import { delegationDroneMethods } from "./delegation-methods.js";
import { planDroneMethods } from "./plan-methods.js";
import { commit, count, exact, list, name, oneOf, text } from "./shape.js";
import { variablesSchema } from "./specification.js";
import { carryMethods, peerTellings } from "./swarm.js";
import { deploymentId } from "./traffic.js";
import { assignmentSchema, machineSchema, usageSchema } from "./vocabulary.js";

const nothing = exact({});
const processId = text(40);
/** At most 64 KiB as base64, so that a key stroke never waits behind a big frame. */
const chunk = text(90_000);

/** A line of an instance's output. */
export const logLineSchema = exact({
  /** When it was written, as the drone noticed it; within a second. */
  at: count,
  drone: name,
  repo: name,
  environment: name,
  release: count,
  commit,
  service: name,
  slot: count,
  process: processId,
  text: text(8_192),
});
export type LogLine = Static<typeof logLineSchema>;

/** Which output; all given parts must fit. */
export const logQuerySchema = exact({
  repo: Type.Optional(name),
  environment: Type.Optional(name),
  /** The hub asks drones for its deployment instead: instances outlive the release that started them. */
  release: Type.Optional(count),
  deployments: Type.Optional(list(deploymentId, 1_000)),
  services: Type.Optional(list(name, 100)),
  processes: Type.Optional(list(processId, 100)),
  /** In ms since 1970. */
  since: Type.Optional(count),
  /** The last lines, of all instances together; default 100, 0 for none before following. */
  last: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
  /** A JavaScript regular expression that the line must match. */
  grep: Type.Optional(text(500)),
  follow: Type.Boolean(),
});
export type LogQuery = Static<typeof logQuerySchema>;

export const terminalSchema = exact({
  columns: Type.Integer({ minimum: 1, maximum: 1_000 }),
  rows: Type.Integer({ minimum: 1, maximum: 1_000 }),
  /** TERM */
  kind: text(64),
});

/** What a command that runs to its end says. */
export const runPartSchema = Type.Union([
  exact({ kind: Type.Literal("started"), drone: name, process: processId }),
  exact({
    kind: Type.Literal("output"),
    drone: name,
    stream: oneOf("out", "err"),
    /** Base64. */
    data: chunk,
  }),
  /** So many bytes of its input, all together, the command has taken; see `run.taken`. */
  exact({ kind: Type.Literal("taken"), drone: name, bytes: count }),
]);
export type RunPart = Static<typeof runPartSchema>;

/** How a command ended: `signal` when it was ended by one. */
export const runResultSchema = exact({
  drone: name,
  code: Type.Integer({ minimum: 0, maximum: 255 }),
  signal: Type.Optional(text(20)),
});
export type RunResult = Static<typeof runResultSchema>;

export const droneMethods = {
  /** Output that is kept on this drone, oldest first; with `follow` then new lines until cancelled. */
  "drone.logs": {
    params: logQuerySchema,
    part: list(logLineSchema, 1_000),
    result: nothing,
    needs: "cluster",
  },
  "drone.stats": {
    params: nothing,
    result: exact({ machine: machineSchema, usages: list(usageSchema, 4_000) }),
    needs: "cluster",
  },
  /**
   * Runs a task of a deployment to its end: build, test or release. The same id is never run twice: a second
   * call joins the first, or gets its result, also after a restart of the drone; one that the drone did not
   * survive ends with `interrupted`.
   */
  "drone.task": {
    params: exact({
      id: processId,
      kind: oneOf("build", "test", "release"),
      deployment: deploymentId,
      repo: name,
      environment: name,
      commit,
      artifact: commit,
      release: count,
    }),
    part: exact({ at: count, text: text(8_192) }),
    result: exact({
      outcome: oneOf("done", "failed", "interrupted"),
      reason: Type.Optional(text(2_000)),
      lastLines: list(text(500), 50),
      tookMs: count,
      /** Of a build: the commit that holds its output, pushed to the hub already. */
      artifact: Type.Optional(commit),
    }),
    needs: "cluster",
  },
  /** Ends a task; its call ends with `failed`. */
  "drone.cancel-task": { params: exact({ id: processId }), result: nothing, needs: "cluster" },
  /** Restarts instances in order, each ready before the next; ends with those that are not ready again. */
  "drone.restart": {
    params: exact({ processes: list(processId, 4_000) }),
    part: exact({ process: processId, ready: Type.Boolean() }),
    result: exact({ failed: list(exact({ process: processId, reason: text(2_000) }), 4_000) }),
    needs: "cluster",
  },
  /**
   * Runs a command in the folder and environment of a deployment, beside its instances, until it ends or the
   * caller cancels; `stream` names it for what is typed into it.
   */
  "drone.run": {
    params: exact({
      stream: processId,
      deployment: deploymentId,
      repo: name,
      environment: name,
      commit,
      artifact: commit,
      release: count,
      /** Of which service it has environment, folder and user; default the first. */
      service: Type.Optional(name),
      /** Inside this running instance: with its PORT and PROCESS_ID. */
      process: Type.Optional(processId),
      command: list(text(16_384), 200),
      env: variablesSchema,
      terminal: Type.Optional(terminalSchema),
      input: Type.Boolean(),
    }),
    part: runPartSchema,
    result: runResultSchema,
    needs: "cluster",
  },
  /** Whether this much fits on the drone's disk, with what it may not fill. */
  "drone.room": {
    params: exact({ repo: name, commit, bytes: count }),
    result: exact({ fits: Type.Boolean(), freeBytes: count, neededBytes: count }),
    needs: "cluster",
  },
  ...carryMethods,
  ...filesDroneMethods,
  ...planDroneMethods,
  ...delegationDroneMethods,
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;

export const droneTellings = {
  ...peerTellings,
  /** Hub to drone: everything it should run and keep on disk, replacing what was told before. */
  "drone.assign": exact({
    revision: count,
    assignments: list(assignmentSchema, 4_000),
    /** Commits that stay on disk although they do not run; everything else may go. */
    keep: list(exact({ repo: name, commit }), 20_000),
  }),
  /** Caller to hub, hub to drone: what is typed into a command that runs; an empty `data` ends it. */
  "run.input": exact({ stream: processId, data: chunk }),
  /**
   * Caller to hub, hub to drone: so many bytes of output, all together, the caller has taken. From the first
   * time on the drone stays at most 1 MiB ahead of it, so that nothing in between must keep more. A caller
   * does the same with what it types, by the parts `taken`.
   */
  "run.taken": exact({ stream: processId, bytes: count }),
  "run.resize": exact({ stream: processId, columns: count, rows: count }),
  "run.signal": exact({
    stream: processId,
    signal: oneOf("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"),
  }),
} as const satisfies Record<string, TSchema>;
