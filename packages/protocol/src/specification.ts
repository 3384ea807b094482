/**
 * What a release runs, as the manifest says it, with every default filled in: the hub makes it out of a
 * commit's files (package `manifest`), the drones carry it out.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { canaryPlanSchema } from "./canary-plan.js";
import { rulesSchema } from "./rules.js";
import { selectorSchema } from "./selector.js";
import { count, exact, list, milliseconds, oneOf, port, text } from "./shape.js";
import { minUpSchema, waveRulesSchema } from "./waves.js";

const word = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" });
/** Program and arguments; a command that was written as one string is `["/bin/sh", "-c", STRING]`. */
const command = Type.Array(text(16_384), { minItems: 1, maxItems: 200 });
/** Names of environment variables. */
const variableName = "^[A-Za-z_][A-Za-z0-9_]{0,127}$";
export const variablesSchema = Type.Record(Type.String({ pattern: variableName }), text(32_768), {
  maxProperties: 500,
  additionalProperties: false,
});
export type Variables = Static<typeof variablesSchema>;

/** Set for every instance by whoever starts it; what a manifest or a setting says would be lost. */
export const reservedVariables: ReadonlySet<string> = new Set([
  "PORT",
  "HOST",
  "REPO",
  "COMMIT",
  "RELEASE",
  "SERVICE",
  "ENVIRONMENT",
  "DRONE_ID",
  "PROCESS_ID",
  "REGISTRY",
  "REGISTRY_TOKEN",
]);

export const healthSchema = exact({
  check: Type.Union([
    /** GET `path`; one of `statuses` (inclusive ranges) is healthy. */
    exact({
      kind: Type.Literal("http"),
      path: text(2_000),
      statuses: list(exact({ low: Type.Integer(), high: Type.Integer() }), 10),
    }),
    exact({ kind: Type.Literal("tcp") }),
    /** Healthy when it exits with 0; run in the instance's folder and environment. */
    exact({ kind: Type.Literal("command"), command }),
  ]),
  intervalMs: milliseconds,
  timeoutMs: milliseconds,
  /** From the start of the process: failures within it do not count. */
  graceMs: milliseconds,
  /** Successes in a row that make it ready. */
  healthyAfter: Type.Integer({ minimum: 1, maximum: 100 }),
  /** Failures in a row that take its records away; with `restart` they also restart it. */
  unhealthyAfter: Type.Integer({ minimum: 1, maximum: 100 }),
  restart: Type.Boolean(),
});
export type Health = Static<typeof healthSchema>;

export const restartRulesSchema = exact({
  policy: oneOf("always", "on-failure", "never"),
  firstMs: milliseconds,
  maxMs: milliseconds,
  /** Ends in a row, none of them after a calm minute, that make it a crash loop: it is left stopped. */
  crashesMax: Type.Integer({ minimum: 1, maximum: 1_000 }),
});
export type RestartRules = Static<typeof restartRulesSchema>;

export const limitsSchema = exact({
  memoryBytes: Type.Optional(count),
  /** Open files. */
  files: Type.Optional(count),
  /** Of one core: 150 is one and a half. */
  cpuPercent: Type.Optional(count),
  /** When the machine cannot enforce one of them. */
  otherwise: oneOf("refuse", "warn"),
});
export type Limits = Static<typeof limitsSchema>;

export const serviceSchema = exact({
  name: word,
  command,
  instances: exact({
    count: Type.Integer({ minimum: 0, maximum: 1_000 }),
    /** On each matching drone, or all together. */
    per: oneOf("drone", "total"),
  }),
  on: selectorSchema,
  /**
   * The first is PORT and registered under the service's name; the others are PORT_<NAME> and registered as
   * `<service>.<name>`. Without a number the drone chooses. Empty: a worker, which never listens.
   */
  ports: list(exact({ name: word, port: Type.Optional(port) }), 16),
  /** When it is ready: it listens on every port, it has announced itself, or it has lived for a second. */
  ready: oneOf("listen", "registry", "alive"),
  /** From the start of a process until it must be ready. */
  readyTimeoutMs: milliseconds,
  health: Type.Optional(healthSchema),
  stop: exact({
    signal: oneOf("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL"),
    /** From the signal to SIGKILL. */
    deadlineMs: milliseconds,
  }),
  restart: restartRulesSchema,
  env: variablesSchema,
  limits: Type.Optional(limitsSchema),
  user: Type.Optional(text(32)),
  /** Below the commit's folder. */
  cwd: Type.Optional(text(1_000)),
  /** Services that must be ready before this one starts. */
  after: list(word, 50),
  /** How much of it stays up while a release replaces the rest; absent: nothing is asked. */
  minUp: Type.Optional(minUpSchema),
});
export type Service = Static<typeof serviceSchema>;

/** A command that runs to its end on one drone: build, test, release. */
export const taskSchema = exact({
  command,
  on: selectorSchema,
  env: variablesSchema,
  timeoutMs: milliseconds,
});
export type Task = Static<typeof taskSchema>;

export const buildSchema = exact({
  ...taskSchema.properties,
  /** Patterns of what becomes the artifact beside the commit's own files; nothing means everything. */
  include: list(text(1_000), 100),
  exclude: list(text(1_000), 100),
  /** Folders taken over from the previous build on the same drone. */
  cache: list(text(1_000), 100),
});
export type Build = Static<typeof buildSchema>;

/** A host name, exact or `*.below.it`, and a path that lead to this release's environment beside its own name. */
export const hostRouteSchema = exact({
  host: text(253),
  /** Begins with `/`; default everything. */
  path: Type.Optional(text(1_000)),
  service: Type.Optional(word),
  /** What stands for `path` in the request that the app gets: `/` takes it off. Absent: it stays. */
  rewrite: Type.Optional(text(1_000)),
  /** Answered at once: `to` is an URL; one that ends with `/*` gets the rest of the path. */
  redirect: Type.Optional(
    exact({
      to: text(2_000),
      status: Type.Union([
        Type.Literal(301),
        Type.Literal(302),
        Type.Literal(307),
        Type.Literal(308),
      ]),
    }),
  ),
  rules: Type.Optional(rulesSchema),
});
export type HostRoute = Static<typeof hostRouteSchema>;

export const retentionSchema = exact({
  /** Releases kept on disk. */
  releases: Type.Integer({ minimum: 1, maximum: 1_000 }),
  /** Former releases that go on running, whatever their age. */
  warm: Type.Integer({ minimum: 0, maximum: 100 }),
  /** How long any release goes on running after its last visitors were sent elsewhere. */
  forMs: Type.Integer({ minimum: 0 }),
});
export type Retention = Static<typeof retentionSchema>;

export const specificationSchema = exact({
  /** Empty: only drones with a command of their own run it. */
  services: list(serviceSchema, 100),
  build: Type.Optional(buildSchema),
  /** A gate before anything starts. */
  test: Type.Optional(taskSchema),
  /** Once for a release, before any of its instances starts. */
  release: Type.Optional(taskSchema),
  routes: list(hostRouteSchema, 100),
  /** Of all its host names. */
  rules: Type.Optional(rulesSchema),
  /** Absent: nothing is ever stopped or removed by itself. */
  keep: Type.Optional(retentionSchema),
  /** Visitors are sent to it step by step; absent: all at once. */
  rollout: Type.Optional(canaryPlanSchema),
  /** In which order drones get it; absent: all at once. */
  waves: Type.Optional(waveRulesSchema),
  /** Whether visitors are sent to a release once it is ready: always, or only the first of an environment. */
  promote: oneOf("always", "first"),
});
export type Specification = Static<typeof specificationSchema>;
