/** The shape of propagit.yaml. What it says of one environment is a `WrittenEnvironment`. */
import type { Build, Retention, Task } from "@propagit/protocol";
import {
  command,
  described,
  duration,
  list,
  mapped,
  object,
  oneOrMany,
  orJust,
  parsed,
  placed,
  record,
  text,
  whole,
  yesNo,
  type JsonSchema,
  type Result,
  type Shape,
  type ValueOf,
} from "@propagit/shapes";
import { buildTimeoutMsDefault, keepDefault, taskTimeoutMsDefault } from "./defaults.js";
import { route } from "./routes.js";
import { rolloutShape } from "./rollout.js";
import { rulesShape } from "./rules.js";
import { service } from "./service.js";
import { wavesShape } from "./waves.js";
import { environmentName, path, selector, serviceName, variables } from "./words.js";

const taskFields = {
  command: described(
    "What runs: a string for the shell, or a list of program and arguments.",
    command,
  ),
  on: described("Labels of the drones it may run on.", selector),
  env: described("Environment variables.", variables),
};

function task(timeoutMs: number, description: string): Shape<Task> {
  const fields = { ...taskFields, timeout: described(description, duration(undefined, 1)) };
  return mapped(
    orJust(object(fields, ["command"]), "command"),
    ({ command, on, env, timeout }) => ({
      command: [...command],
      on: copyTerms(on),
      env: { ...env },
      timeoutMs: timeout ?? timeoutMs,
    }),
  );
}

const patterns = (description: string) =>
  described(description, oneOrMany(path("a path or pattern"), 100));
const build: Shape<Build> = mapped(
  orJust(
    object(
      {
        ...taskFields,
        timeout: described("Longest time it may take (30m).", duration(undefined, 1)),
        include: patterns("What becomes part of the release beside the commit (everything)."),
        exclude: patterns("What does not, of that."),
        cache: patterns("Folders taken over from the build before."),
      },
      ["command"],
    ),
    "command",
  ),
  ({ command, on, env, timeout, include = [], exclude = [], cache = [] }) => ({
    command: [...command],
    on: copyTerms(on),
    env: { ...env },
    timeoutMs: timeout ?? buildTimeoutMsDefault,
    include: [...include],
    exclude: [...exclude],
    cache: [...cache],
  }),
);

function copyTerms(terms: ValueOf<typeof selector> = []) {
  return terms.map((term) => ({ ...term, values: [...term.values] }));
}

const keep: Shape<Retention> = mapped(
  object({
    releases: described("Releases that stay on disk (5).", whole(1, 1_000)),
    warm: described("Former releases that go on running, whatever their age (1).", whole(0, 100)),
    for: described(
      "How long every release goes on running after its last visitors (24h).",
      duration(3_650 * 86_400_000),
    ),
  }),
  ({ releases, warm, for: forMs }) => ({
    releases: releases ?? Math.max(keepDefault.releases, (warm ?? 0) + 1),
    warm: warm ?? Math.min(keepDefault.warm, (releases ?? keepDefault.releases) - 1),
    forMs: forMs ?? keepDefault.forMs,
  }),
);

const promote = parsed(
  "always or first",
  { enum: ["always", "first"] },
  ({ source }): Result<"always" | "first"> =>
    source === "always" || source === "first"
      ? { ok: true, value: source }
      : { ok: false, why: "is neither `always` nor `first`" },
);

/** What can differ between environments. */
const environmentFields = {
  services: described("What runs, by name.", record(serviceName, service)),
  env: described("Variables of all services and of the test and release commands.", variables),
  build: described("Run once for a commit; its output is part of what every drone gets.", build),
  test: described(
    "Run before anything starts; when it fails, the old release stays.",
    task(taskTimeoutMsDefault, "Longest time it may take (10m)."),
  ),
  release: described(
    "Run once for a release before any instance starts, as for migrations.",
    task(taskTimeoutMsDefault, "Longest time it may take (10m)."),
  ),
  routes: described(
    "Host names, with or without a path, that lead here; at the top of the file, to production.",
    list(route, 100),
  ),
  traffic: described("How visitors of all its host names are treated.", rulesShape),
  keep: described("How many releases are kept, and how long they run.", keep),
  rollout: described(
    "Visitors come to a release step by step, and are taken back when it is worse (all at once).",
    rolloutShape,
  ),
  waves: described(
    "In which order drones get a release, each wave ready before the next begins (all at once).",
    wavesShape,
  ),
  promote: described(
    "Whether visitors are sent to each release that is ready, or to the first only (always).",
    promote,
  ),
};

export const environmentShape = object(environmentFields);
export type WrittenEnvironment = ValueOf<typeof environmentShape>;

const environmentText = text({
  wanted: "an environment's name",
  max: 30,
  pattern: environmentName.pattern,
  why: environmentName.why,
});

const branchRule = orJust(
  object(
    {
      environment: described("Where a push to this branch goes.", placed(environmentText)),
      promote: described("Whether visitors are sent there (as the environment says).", yesNo),
    },
    ["environment"],
  ),
  "environment",
);

export const deployShape = described(
  "Which branch goes to which environment when it is pushed (none).",
  record(
    { pattern: "^[^\\s~^:?*\\[\\\\]{1,200}$", why: "cannot be a branch's name", max: 100 },
    branchRule,
  ),
);

/** For editors: the whole file. */
export function fileSchema(): JsonSchema {
  const one = environmentShape.schema["properties"] as Readonly<Record<string, JsonSchema>>;
  return {
    type: "object",
    properties: {
      ...one,
      environments: {
        description: "What differs, by environment: laid over the rest; null takes something away.",
        type: "object",
        propertyNames: { pattern: environmentName.pattern },
        additionalProperties: asOverride(environmentShape.schema),
        maxProperties: environmentName.max,
      },
      deploy: deployShape.schema,
      targets: {
        description: "Named selections of drones, for `propagit files push`: docs/targets.md.",
        type: "object",
        additionalProperties: { type: "object" },
      },
      relays: {
        description: "What targets mean where a drone hands on, by its name.",
        type: "object",
        additionalProperties: { type: "object", additionalProperties: { type: "object" } },
      },
    },
    additionalProperties: false,
  };
}

/** The same, with nothing needed and everything removable. */
function asOverride(schema: JsonSchema): JsonSchema {
  const { required: _, properties, additionalProperties, anyOf, ...rest } = schema;
  const below = (one: unknown) =>
    isSchema(one) ? { anyOf: [asOverride(one), { type: "null" }] } : one;
  return {
    ...rest,
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map((one: JsonSchema) => asOverride(one)) }),
    ...(isSchema(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, one]) => [key, below(one)]),
      ),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties: below(additionalProperties),
    }),
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}
