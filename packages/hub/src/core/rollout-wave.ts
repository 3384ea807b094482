/**
 * The services of a wave in the order of their `after`, while on the drones of waves before all of them go on.
 *
 *     job after web      wave 1: web-1        wave 2: web-2
 *     start 1            web
 *     web-1 is ready     web, job
 *     start 2            web, job             web          job waits, also here, until web is ready everywhere
 *     web-2 is ready     web, job             web, job     the wave is like the others: nothing is remembered
 */
import { matchesSelector, type Service } from "@propagit/protocol";
import { isReady, isThere, type SeenDrone } from "./readiness.js";
import type { RolloutView } from "./rollout-view.js";
import type { DeploymentRow } from "./rows.js";

type Wave = NonNullable<DeploymentRow["wave"]>;

/**
 * Undefined while nothing runs, and when nothing has to wait.
 *
 * @param only drones that are reached with it
 * @param services that run on those of before
 */
export function newWave(
  only: readonly string[],
  services: readonly string[],
  view: RolloutView,
): Wave | undefined {
  const { deployment, release } = view;
  if (!deployment?.started || deployment.services.length === 0) return undefined;
  const before = new Set(deployment.only);
  const { drones = [], services: running = [] } = deployment.wave ?? {};
  const coming = [...drones, ...only.filter((identity) => !before.has(identity))];
  const known = new Set(release.specification.services.map(({ name }) => name));
  const first = release.specification.services
    .filter(({ after }) => !after.some((name) => known.has(name)))
    .map(({ name }) => name);
  const may = [...new Set([...running, ...first])].filter((name) => services.includes(name));
  return unlessAll({ drones: coming, services: may }, services);
}

/** With those that may run there by now; undefined when all of `services` may. */
export function waveNow(
  wave: Wave,
  services: readonly string[],
  { release, drones }: RolloutView,
): Wave | undefined {
  const all = release.specification.services;
  const ready = new Set(all.filter((service) => isReady(service, drones)).map(({ name }) => name));
  const known = new Set(all.map(({ name }) => name));
  const before = new Set(wave.services);
  // What has only just been allowed there, and is not there yet, is not ready because it is on others.
  const isDone = (name: string) => !known.has(name) || (before.has(name) && ready.has(name));
  const may = all
    .filter(
      ({ name, after }) => services.includes(name) && (before.has(name) || after.every(isDone)),
    )
    .map(({ name }) => name);
  return unlessAll({ drones: wave.drones, services: may }, services);
}

/** The first service that waits on drones of the wave although nothing is under way there. */
export function waitingInWave(
  started: readonly string[],
  { deployment, release, drones }: RolloutView,
): Service | undefined {
  const wave = deployment?.wave;
  if (!wave) return undefined;
  const coming = new Set(wave.drones);
  const there = drones.filter((drone) => coming.has(drone.identity) && isPlace(drone));
  return release.specification.services.find(
    ({ name, on, instances }) =>
      started.includes(name) &&
      !wave.services.includes(name) &&
      instances.count > 0 &&
      there.some(({ labels }) => matchesSelector(on, labels)),
  );
}

function isPlace(drone: SeenDrone): boolean {
  return isThere(drone) && !drone.draining && !drone.ownCommand;
}

function unlessAll(wave: Wave, services: readonly string[]): Wave | undefined {
  return services.every((name) => wave.services.includes(name)) ? undefined : wave;
}
