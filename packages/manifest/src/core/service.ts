/** The shape of a service: what is written, with every default filled in. */
import type { Health, Limits, RestartRules, Service } from "@propagit/protocol";
import {
  choice,
  command,
  described,
  duration,
  isNull,
  mapAt,
  mapped,
  object,
  oneOrMany,
  orJust,
  orShort,
  parsed,
  placed,
  shortFor,
  size,
  text,
  whole,
  yesNo,
  type Located,
  type Offset,
  type Placed,
  type Problems,
  type Result,
  type Shape,
} from "@propagit/shapes";
import {
  healthDefault,
  instancesDefault,
  portNameDefault,
  readyTimeoutMsDefault,
  restartDefault,
  statusesDefault,
  stopDefault,
} from "./defaults.js";
import { minUpShape, whyNeverUp } from "./waves.js";
import { instances, path, ports, selector, variables } from "./words.js";

const statusRange: Shape<{ readonly low: number; readonly high: number }> = parsed(
  "a status such as 200 or 200-299",
  { anyOf: [{ type: "integer" }, { type: "string", pattern: "^[1-5]\\d\\d(?:-[1-5]\\d\\d)?$" }] },
  ({ source }): Result<{ readonly low: number; readonly high: number }> => {
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(source);
    const low = Number(match?.[1]);
    const high = Number(match?.[2] ?? low);
    if (match && low <= high) return { ok: true, value: { low, high } };
    return { ok: false, why: "is not an HTTP status such as 200, or a range such as 200-299" };
  },
);

const healthMap = object({
  path: described(
    "GET this path of the first port.",
    text({
      wanted: "a path",
      max: 2_000,
      pattern: "^/[!-~]*$",
      why: "is not a path: it begins with `/`, without spaces",
    }),
  ),
  status: described("Statuses that mean healthy (200-399).", oneOrMany(statusRange, 10)),
  tcp: described("true: healthy when the first port takes connections.", yesNo),
  command: described("Healthy when it exits with 0.", command),
  interval: described("Time between checks (10s).", duration(undefined, 100)),
  timeout: described("Longest wait for an answer (5s).", duration(undefined, 1)),
  grace: described("From the start: failures within it do not count (0s).", duration()),
  healthyAfter: described("Successes in a row that make it ready (1).", whole(1, 100)),
  unhealthyAfter: described("Failures in a row that take visitors away (3).", whole(1, 100)),
  restart: described("Whether it is restarted then (true).", yesNo),
});

/** `/up`, `tcp`, or everything by name. */
const health: Shape<Health> = mapped(
  orShort(healthMap, { type: "string", pattern: "^(?:/.*|tcp)$" }, (node) =>
    isText(node, "tcp")
      ? mapAt(node.at, [
          [
            "tcp",
            { keyAt: node.at, value: { kind: "scalar", value: true, source: "true", at: node.at } },
          ],
        ])
      : asShort(node, "path"),
  ),
  ({ path, status, tcp, command, ...rest }, at, where, problems): Health | undefined => {
    const { interval, timeout, grace, ...counts } = rest;
    const kinds = [path, command, tcp === true ? tcp : undefined].filter(
      (one) => one !== undefined,
    );
    if (kinds.length > 1) {
      problems.add(at, `\`${where}\` has more than one of \`path\`, \`tcp\` and \`command\``);
      return undefined;
    }
    if (status !== undefined && path === undefined) {
      problems.add(at, `\`${where}\` has a \`status\` but no \`path\``);
    }
    return {
      check: checkOf({ path, status, command }),
      intervalMs: interval ?? healthDefault.intervalMs,
      timeoutMs: timeout ?? healthDefault.timeoutMs,
      graceMs: grace ?? healthDefault.graceMs,
      healthyAfter: counts.healthyAfter ?? healthDefault.healthyAfter,
      unhealthyAfter: counts.unhealthyAfter ?? healthDefault.unhealthyAfter,
      restart: counts.restart ?? healthDefault.restart,
    };
  },
);

function checkOf(written: {
  readonly path: string | undefined;
  readonly status: readonly { readonly low: number; readonly high: number }[] | undefined;
  readonly command: readonly string[] | undefined;
}): Health["check"] {
  const { path, status = statusesDefault, command } = written;
  if (path !== undefined) return { kind: "http", path, statuses: [...status] };
  return command === undefined ? { kind: "tcp" } : { kind: "command", command: [...command] };
}

const readyWhen = choice("listen", "registry", "alive");
const ready = orJust(
  object({
    when: described("It listens, has announced itself in the registry, or stays up.", readyWhen),
    timeout: described("From the start until it must be ready (30s).", duration(undefined, 100)),
  }),
  "when",
);

const signals = [
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGKILL",
] as const;
const stopMap = object({
  signal: described("Asks it to end (SIGTERM).", choice(...signals)),
  deadline: described("From the signal to SIGKILL (10s).", duration()),
});
/** `SIGINT`, `30s`, or both by name. */
const stop = orShort(stopMap, { type: "string" }, (node) =>
  asShort(node, node.kind === "scalar" && /^\d/.test(node.source) ? "deadline" : "signal"),
);

const restartMap = object({
  policy: described(
    "When an ended process is started again (always).",
    choice("always", "on-failure", "never"),
  ),
  first: described("Pause before the first restart (1s).", duration()),
  max: described("Longest pause; they double up to it (60s).", duration()),
  crashes: described(
    "Ends in a row that make it a crash loop: it is left stopped (10).",
    whole(1, 1_000),
  ),
});
const restart: Shape<RestartRules> = mapped(
  orJust(restartMap, "policy"),
  ({ policy, first, max, crashes }, at, where, problems) => {
    const rules = {
      policy: policy ?? restartDefault.policy,
      firstMs: first ?? restartDefault.firstMs,
      maxMs: max ?? Math.max(restartDefault.maxMs, first ?? 0),
      crashesMax: crashes ?? restartDefault.crashesMax,
    };
    if (rules.firstMs > rules.maxMs) problems.add(at, `\`${where}\` has a \`first\` above \`max\``);
    return rules;
  },
);

const cpu: Shape<number> = parsed(
  "a number of cores",
  { type: "number", exclusiveMinimum: 0, maximum: 1_024 },
  ({ value }) =>
    typeof value === "number" && value >= 0.01 && value <= 1_024
      ? { ok: true, value: Math.round(value * 100) }
      : { ok: false, why: "is not a number of cores from 0.01 to 1024, such as 1.5" },
);
const limits: Shape<Limits> = mapped(
  object({
    memory: described("Most memory it may use, such as 512M.", size),
    files: described("Most files it may have open.", whole(16, 10_000_000)),
    cpu: described("Most cores it may use, such as 1.5.", cpu),
    otherwise: described(
      "When a machine cannot enforce one of them (refuse).",
      choice("refuse", "warn"),
    ),
  }),
  ({ memory, files, cpu: cpuPercent, otherwise = "refuse" }) => ({
    otherwise,
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(files !== undefined && { files }),
    ...(cpuPercent !== undefined && { cpuPercent }),
  }),
);

const serviceMap = object(
  {
    command: described(
      "What runs: a string for the shell, or a list of program and arguments.",
      command,
    ),
    instances: described("2: on each matching drone; `3 total`: all together (1).", instances),
    on: described("Labels of the drones it runs on: role=web, zone in (a,b), !gpu.", selector),
    port: described("auto, a number, none for a worker, or several by name (auto).", ports),
    health: described("A path, tcp, or what to check and how often.", health),
    ready: described("When it is ready: listen, registry, alive.", ready),
    stop: described("How it is ended: a signal, a deadline, or both.", stop),
    restart: described("always, on-failure, never, or with its pauses.", restart),
    env: described("Environment variables.", variables),
    limits: described("Bounds that the machine enforces.", limits),
    user: described(
      "The user it runs as; the drone must be allowed to.",
      text({ wanted: "a user's name", max: 32, pattern: "^[A-Za-z_][A-Za-z0-9_.-]*\\$?$" }),
    ),
    cwd: described("Where it runs, below the commit's folder.", path("a folder")),
    after: described(
      "Services that must be ready before it starts.",
      oneOrMany(placed(text({ wanted: "a service's name", max: 63 })), 50),
    ),
    minUp: described(
      "How much of it stays up while a release replaces the rest: 3, or 75% (nothing is asked).",
      minUpShape,
    ),
  },
  ["command"],
);

/** A service without its name, and where the services stand that it comes after. */
export interface WrittenService {
  readonly service: Omit<Service, "name">;
  readonly after: readonly Placed<string>[];
}

export const service: Shape<WrittenService> = mapped(
  orJust(serviceMap, "command"),
  (written, at, where, problems) => {
    const isWorker = written.port?.length === 0;
    const readiness = written.ready?.when ?? (isWorker ? "alive" : "listen");
    const value: WrittenService = {
      service: {
        command: [...written.command],
        instances: written.instances ?? instancesDefault,
        on: (written.on ?? []).map((term) => ({ ...term, values: [...term.values] })),
        ports: [...(written.port ?? [{ name: portNameDefault }])],
        ready: readiness,
        readyTimeoutMs: written.ready?.timeout ?? readyTimeoutMsDefault,
        ...(written.health && { health: written.health }),
        stop: {
          signal: written.stop?.signal ?? stopDefault.signal,
          deadlineMs: written.stop?.deadline ?? stopDefault.deadlineMs,
        },
        restart: written.restart ?? restartDefault,
        env: { ...written.env },
        ...(written.limits && { limits: written.limits }),
        ...(written.user !== undefined && { user: written.user }),
        ...(written.cwd !== undefined && { cwd: written.cwd }),
        after: (written.after ?? []).map((one) => one.value),
        ...(written.minUp && { minUp: written.minUp }),
      },
      after: written.after ?? [],
    };
    checkPorts(value.service, { at, where, problems });
    const why = written.minUp && whyNeverUp(written.minUp, value.service.instances);
    if (why !== undefined) problems.add(at, `\`${where}\` ${why}; let fewer stay up by \`minUp\``);
    return value;
  },
);

interface Place {
  readonly at: Offset;
  readonly where: string;
  readonly problems: Problems;
}

/** What only makes sense for something that listens. */
function checkPorts(written: Omit<Service, "name">, { at, where, problems }: Place): void {
  const { ports: given, health: checked, ready: when, instances: wanted } = written;
  const add = (message: string) => problems.add(at, `\`${where}\` ${message}`);
  if (given.length === 0 && when === "listen") {
    add("has `port: none`, so it cannot be `ready: listen`; write `ready: alive`");
  }
  if (given.length === 0 && checked && checked.check.kind !== "command") {
    add("has `port: none`, so its health can be checked by a `command` only");
  }
  const fixed = given.find(({ port }) => port !== undefined);
  if (fixed && wanted.per === "drone" && wanted.count > 1) {
    add(`has ${wanted.count} instances on a drone, and one port ${fixed.port} for all of them`);
  }
  const numbers = given.flatMap(({ port }) => (port === undefined ? [] : [port]));
  if (new Set(numbers).size < numbers.length) add("has one port number under two names");
}

function isText(node: Located, value: string): boolean {
  return node.kind === "scalar" && node.value === value;
}

function asShort(node: Located, key: string): Located {
  return node.kind === "map" || isNull(node) ? node : shortFor(key, node);
}
