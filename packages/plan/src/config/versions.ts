/**
 * Which versions are where, for generators that leave out what is there already.
 *
 *     { service, host, link }          what the link of a host leads to: web-1.2.3
 *     { service, drone, repo? }        the commit that its instances on a drone run, as the hub knows them
 */
import { PropagitError, quote, suggestion } from "@propagit/protocol";
import type { PlannerWorld, RunningInstance, VersionPlace, Versions } from "./generator.js";

/** Hosts that are looked at side by side. */
const looksMax = 32;

const keysOf = {
  link: ["service", "host", "link"],
  drone: ["service", "drone", "repo", "environment"],
} as const;

/** @throws BAD_CONFIG when a place is none, HOST_LOST, HOST_DENIED, UNREACHABLE */
export async function versionsAt(
  places: readonly VersionPlace[],
  world: PlannerWorld,
): Promise<Versions> {
  for (const place of places) refuseStrange(place);
  const found = new Map<string, string>();
  const left = [...places];
  const running = places.some(isOfDrone) ? await runningIn(world) : [];
  const look = async () => {
    for (let place = left.shift(); place; place = left.shift()) {
      const version = isOfDrone(place) ? commitOn(place, running) : await linkedAt(place, world);
      const where = isOfDrone(place) ? place.drone : place.host;
      if (version !== undefined) found.set(keyOf(place.service, where), version);
    }
  };
  await Promise.all(Array.from({ length: Math.min(looksMax, places.length) }, look));
  return { of: (service, where) => found.get(keyOf(service, where)) };
}

/** @throws BAD_CONFIG when no hub is there to ask */
export async function runningIn({ running }: PlannerWorld): Promise<readonly RunningInstance[]> {
  if (running) return running();
  throw new PropagitError("BAD_CONFIG", "it asks what runs on drones, but there is no hub to ask", {
    hint: "name one: --hub=HOST:6001, or PROPAGIT_HUB",
  });
}

type DronePlace = Extract<VersionPlace, { readonly drone: string }>;
type LinkPlace = Exclude<VersionPlace, DronePlace>;

function isOfDrone(place: VersionPlace): place is DronePlace {
  return "drone" in place && place.drone !== undefined;
}

/** Projects are not always checked by a compiler: what is not understood would else be left out without a word. */
function refuseStrange(place: VersionPlace): void {
  const keys = isOfDrone(place) ? keysOf.drone : keysOf.link;
  const entries = Object.entries(place).filter(([, value]) => value !== undefined);
  for (const [key, value] of entries) {
    if (!(keys as readonly string[]).includes(key)) {
      const near = suggestion(key, [...keysOf.link, ...keysOf.drone]);
      throw strange(
        place,
        `\`${key}\` is nothing that it may say beside ${isOfDrone(place) ? "`drone`" : "`link`"}${near}`,
      );
    }
    if (typeof value !== "string") throw strange(place, `\`${key}\` is no text`);
  }
  const needed = isOfDrone(place) ? ["service", "drone"] : ["service", "link"];
  const missing = needed.find((key) => !entries.some(([own]) => own === key));
  if (missing !== undefined) throw strange(place, `\`${missing}\` is missing`);
}

function strange(place: VersionPlace, why: string): PropagitError {
  return new PropagitError("BAD_CONFIG", `versions(…) of ${quote(JSON.stringify(place))}: ${why}`, {
    hint: "a place is { service, host, link } or { service, drone, repo, environment }: docs/config.md",
  });
}

/** Of the newest release that is ready there. */
function commitOn(
  { service, drone, repo, environment }: DronePlace,
  running: readonly RunningInstance[],
): string | undefined {
  const there = running.filter(
    (one) =>
      one.drone === drone &&
      one.service === service &&
      one.phase === "ready" &&
      (repo === undefined || one.repo === repo) &&
      (environment === undefined || one.environment === environment),
  );
  return there.toSorted((left, right) => (right.release ?? 0) - (left.release ?? 0))[0]?.commit;
}

async function linkedAt(
  { service, host, link }: LinkPlace,
  world: PlannerWorld,
): Promise<string | undefined> {
  const target = await world.look(host).linkTarget(link);
  return target === undefined ? undefined : versionOf(target, service);
}

/** `/srv/web/web-1.2.3` is 1.2.3 of web; `/srv/web/1.2.3` is, too. */
function versionOf(target: string, service: string): string | undefined {
  const name = target.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const version = name.startsWith(`${service}-`) ? name.slice(service.length + 1) : name;
  return version === "" ? undefined : version;
}

function keyOf(service: string, where = ""): string {
  return `${service}\n${where}`;
}
