/** Gates as they are written; each is known by the key that gives it its name: `{ approval: true }`. */
import {
  described,
  mapped,
  object,
  oneOrMany,
  percent,
  text,
  variants,
  whole,
  withDefault,
  yesNo,
  type Shape,
  type Variant,
} from "@propagit/shapes";
import type { Gate, Task } from "../plan.js";
import { environmentName, repoName, serviceName, wait } from "./plan-words.js";
import type { UnplacedTask } from "./task-shape.js";
import { windowShape } from "./window-shape.js";

/** A gate whose task has no place in the plan yet. */
export type UnplacedGate = WithTask<Gate, UnplacedTask>;
type WithTask<G, T> = G extends { readonly task: Task }
  ? Omit<G, "task"> & { readonly task: T }
  : G;

/**
 * How long a gate stays shut before it counts as refused. A canary's steps take hours when there is little
 * traffic; all else shows in minutes. Guesses.
 */
const timeoutDefaults = { http: "10m", command: "10m", health: "10m", errors: "1h", canary: "24h" };

const every = withDefault(described("Time from one look to the next (10s).", wait(100)), "10s");

function probeFields(kind: keyof typeof timeoutDefaults) {
  const timeout = timeoutDefaults[kind];
  const words = `When it has not opened by then, the stage fails (${timeout}).`;
  return { every, timeout: withDefault(described(words, wait(1)), timeout) };
}

const environment = withDefault(
  described("The environment (production).", environmentName),
  "production",
);

const person = text({ wanted: "somebody's name", max: 100, pattern: "^\\S(?:.*\\S)?$" });
const people = oneOrMany(person, 50);
const anybody = mapped(yesNo, (value, at, where, problems): readonly string[] | undefined => {
  if (value) return [];
  problems.add(at, `\`${where}\` is false; leave the gate out, or say true`);
  return undefined;
});
/** `true`: anybody with the right, which is what none means. */
const approvers: Shape<readonly string[]> = {
  schema: { anyOf: [{ const: true }, people.schema] },
  read: (node, where, problems) =>
    node.kind === "scalar" && typeof node.value === "boolean"
      ? anybody.read(node, where, problems)
      : people.read(node, where, problems),
};

/** A plan is kept and shown, so that what is in its URLs is no secret. */
const url = mapped(
  text({
    wanted: "an URL",
    max: 2_000,
    pattern: "^https?://[^\\s/?#]+[!-~]*$",
    why: "is not an URL such as https://www.example.com/up",
  }),
  (value, at, where, problems) => {
    if (!/^https?:\/\/[^/?#]*@/.test(value)) return value;
    problems.add(
      at,
      `\`${where}\` has a user or password in it, which everybody who sees the plan would see`,
    );
    return undefined;
  },
);

const approval = object(
  {
    approval: described("true: anybody who may deploy; or who of them.", approvers),
    timeout: described("When nobody has approved by then, the stage fails (it waits).", wait(1)),
  },
  ["approval"],
);
const window = object({ window: described("Hours of the week.", windowShape) }, ["window"]);
const http = object(
  {
    http: described("An URL that is asked with GET.", url),
    status: withDefault(
      described("Statuses that open it (200).", oneOrMany(whole(100, 599), 50)),
      200,
    ),
    ...probeFields("http"),
  },
  ["http"],
);
const health = object(
  {
    health: described("A repository whose instances are looked at.", repoName),
    environment,
    service: described("One of its services (all).", serviceName),
    ready: withDefault(described("Instances that must be ready, of 100 (100%).", percent), "100%"),
    for: withDefault(described("Without a break for so long (0s).", wait()), "0s"),
    ...probeFields("health"),
  },
  ["health"],
);
const canary = object(
  {
    canary: described("A repository whose rollout by steps must have come through.", repoName),
    environment,
    ...probeFields("canary"),
  },
  ["canary"],
);
const errors = object(
  {
    errors: described("A repository whose visitors' errors are counted.", repoName),
    environment,
    max: described("Errors of 100 requests, at most.", percent),
    over: withDefault(described("Counted over this time, up to now (5m).", wait(1_000)), "5m"),
    ...probeFields("errors"),
  },
  ["errors", "max"],
);

function commandGate(ask: Shape<UnplacedTask>) {
  return object(
    {
      command: described("A task whose program's exit code opens it.", ask),
      exit: withDefault(described("The exit code that opens it (0).", whole(0, 255)), 0),
      ...probeFields("command"),
    },
    ["command"],
  );
}

function gateMaps(ask: Shape<UnplacedTask>) {
  return { approval, window, http, command: commandGate(ask), health, canary, errors };
}

type WrittenGate = Variant<ReturnType<typeof gateMaps>>;
type WrittenProbe = Exclude<WrittenGate, { readonly kind: "approval" | "window" }>;

/** @param ask the task of a gate that asks by a command */
export function gateShape(ask: Shape<UnplacedTask>): Shape<UnplacedGate> {
  return mapped(variants(gateMaps(ask)), (gate: WrittenGate): UnplacedGate => {
    if (gate.kind === "window") return { kind: "window", window: gate.value.window };
    if (gate.kind !== "approval") return probeOf(gate);
    const { approval: by, timeout } = gate.value;
    return {
      kind: "approval",
      ...(by.length > 0 && { by }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
    };
  });
}

function probeOf(gate: WrittenProbe): UnplacedGate {
  const times = { everyMs: gate.value.every, timeoutMs: gate.value.timeout };
  switch (gate.kind) {
    case "http":
      return { kind: "http", url: gate.value.http, status: gate.value.status, ...times };
    case "command":
      return { kind: "command", task: gate.value.command, exit: gate.value.exit, ...times };
    case "health": {
      const { health: repo, environment, service, ready, for: forMs } = gate.value;
      const named = { repo, environment, ...(service !== undefined && { service }) };
      return { kind: "health", ...named, readyPercent: ready, forMs, ...times };
    }
    case "canary":
      return {
        kind: "canary",
        repo: gate.value.canary,
        environment: gate.value.environment,
        ...times,
      };
    case "errors": {
      const { errors: repo, environment, max, over } = gate.value;
      return { kind: "errors", repo, environment, maxPercent: max, overMs: over, ...times };
    }
    default:
      return gate satisfies never;
  }
}
