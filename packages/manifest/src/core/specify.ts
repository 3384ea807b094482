/** What an environment's words add up to, and whether that can be. */
import {
  check,
  type Service,
  type Specification,
  specificationSchema,
  suggestion,
  type Task,
} from "@propagit/protocol";
import { type Placed, type Problems } from "@propagit/shapes";
import { keepDefault } from "./defaults.js";
import type { WrittenEnvironment } from "./language.js";
import type { WrittenRoute } from "./routes.js";
import type { WrittenService } from "./service.js";

/** Of a specification as JSON: it travels whole, beside other things, in frames of a few MiB. */
const specificationCharsMax = 500_000;

export function specify(written: WrittenEnvironment, problems: Problems): Specification {
  const services = written.services ?? new Map<string, Placed<WrittenService>>();
  checkAfter(services, problems);
  checkRoutes(written.routes ?? [], services, problems);
  const specification = complete(written, services);
  checkSize(specification, problems);
  return specification;
}

function complete(
  written: WrittenEnvironment,
  services: ReadonlyMap<string, Placed<WrittenService>>,
): Specification {
  const { env = {}, build, test, release, routes = [], traffic, keep, rollout, promote } = written;
  const { waves } = written;
  const withEnv = <T extends { readonly env: Task["env"] }>(one: T): T => ({
    ...one,
    env: { ...env, ...one.env },
  });
  return {
    services: [...services].map(([name, { value }]): Service =>
      withEnv({ name, ...value.service }),
    ),
    ...(build && { build }),
    ...(test && { test: withEnv(test) }),
    ...(release && { release: withEnv(release) }),
    routes: routes.map(({ value }) => value.route),
    ...(traffic && Object.keys(traffic).length > 0 && { rules: traffic }),
    keep: keep ?? keepDefault,
    ...(rollout && { rollout }),
    ...(waves && { waves }),
    promote: promote ?? "always",
  };
}

function checkAfter(
  services: ReadonlyMap<string, Placed<WrittenService>>,
  problems: Problems,
): void {
  for (const [name, { value }] of services) {
    for (const { value: before, at } of value.after) {
      if (before === name) problems.add(at, `service \`${name}\` cannot come after itself`);
      else if (!services.has(before)) {
        problems.add(at, `there is no service \`${before}\`${suggestion(before, services.keys())}`);
      }
    }
  }
  const cycle = findCycle(services);
  const [first = "", second = ""] = cycle;
  const place = services.get(first)?.value.after.find(({ value }) => value === second);
  if (place && first !== second) {
    problems.add(place.at, `services wait for each other: ${cycle.join(" after ")}`);
  }
}

/** The names of a cycle, the first one again at its end; empty when there is none. */
function findCycle(services: ReadonlyMap<string, Placed<WrittenService>>): readonly string[] {
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): readonly string[] => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return [];
    done.add(name);
    for (const { value } of services.get(name)?.value.after ?? []) {
      const cycle = visit(value, [...way, name]);
      if (cycle.length > 0) return cycle;
    }
    return [];
  };
  for (const name of services.keys()) {
    const cycle = visit(name, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

function checkRoutes(
  routes: readonly Placed<WrittenRoute>[],
  services: ReadonlyMap<string, Placed<WrittenService>>,
  problems: Problems,
): void {
  const taken = new Set<string>();
  for (const { value, at } of routes) {
    const { host, path = "" } = value.route;
    if (taken.has(`${host}${path}`)) problems.add(at, `${host}${path} is in \`routes\` twice`);
    taken.add(`${host}${path}`);
    if (value.service) checkRoutedService(value.service, services, problems);
  }
}

function checkRoutedService(
  { value: name, at }: Placed<string>,
  services: ReadonlyMap<string, Placed<WrittenService>>,
  problems: Problems,
): void {
  const service = services.get(name)?.value.service;
  if (!service) {
    problems.add(at, `there is no service \`${name}\`${suggestion(name, services.keys())}`);
  } else if (service.ports.length === 0) {
    problems.add(at, `service \`${name}\` has \`port: none\`, so no visitor can be sent to it`);
  }
}

function checkSize(specification: Specification, problems: Problems): void {
  const chars = JSON.stringify(specification).length;
  if (chars > specificationCharsMax) {
    problems.add(
      0,
      `says ${chars} characters in all; at most ${specificationCharsMax} are possible`,
    );
    return;
  }
  if (!problems.isEmpty) return;
  // The shapes allow nothing that this refuses; it is what hub and drones go by.
  const checked = check(specificationSchema, specification);
  if (!checked.ok) problems.add(0, `makes something that no drone takes: ${checked.reason}`);
}
