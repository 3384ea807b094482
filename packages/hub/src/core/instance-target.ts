/**
 * Which instances a user means. All parts of a target must fit; a part that nothing fits at all, like a
 * service that is misspelt, is an error rather than an empty answer.
 */
import {
  PropagitError,
  quote,
  type DroneTarget,
  type InstanceReport,
  type InstanceTarget,
} from "@propagit/protocol";
import { chooseDrones, type NamedDrone } from "./drone-target.js";

/** An instance with the drone it is on. */
export interface FoundInstance<D extends NamedDrone = NamedDrone> {
  readonly drone: D;
  readonly report: InstanceReport;
}

export interface DroneWithInstances extends NamedDrone {
  /** By process. */
  readonly instances: ReadonlyMap<string, InstanceReport>;
}

/** What of a release tells its instances. */
export interface TargetRelease {
  readonly repo: string;
  readonly environment: string;
  readonly number: number;
  readonly deployment: string;
  readonly commit: string;
}

/** Names that a message lists. */
const listedMax = 10;
const environmentDefault = "production";

/**
 * In the order of drones and reports. A number is that of a release before it is a commit's beginning; the
 * instances of a release are those of its deployment, whichever release started them.
 *
 * @throws NO_PLACE, BAD_PATTERN, NO_RELEASE, AMBIGUOUS, NO_INSTANCE when a service or process is not there
 */
export function findInstances<D extends DroneWithInstances>(
  target: InstanceTarget,
  drones: readonly D[],
  releases: Iterable<TargetRelease>,
): readonly FoundInstance<D>[] {
  const { repo, environment, release, services, processes, drones: onDrones } = target;
  const fromDrones = instancesOf(onDrones, drones);
  const ofRepo = fromDrones.filter(
    ({ report }) =>
      (repo === undefined || report.repo === withoutSuffix(repo)) &&
      (environment === undefined || environmentOf(report) === environment),
  );
  const ofRelease =
    release === undefined
      ? ofRepo
      : ofRepo.filter(testOfRelease(target, release, ofRepo, releases));
  const ofServices = services === undefined ? ofRelease : chooseServices(services, ofRelease);
  return processes === undefined ? ofServices : chooseProcesses(processes, ofServices);
}

/**
 * As `findInstances`, for commands that need one at least.
 *
 * @throws NO_INSTANCE as well
 */
export function requireInstances<D extends DroneWithInstances>(
  target: InstanceTarget,
  drones: readonly D[],
  releases: Iterable<TargetRelease>,
): readonly FoundInstance<D>[] {
  const found = findInstances(target, drones, releases);
  if (found.length > 0) return found;
  throw new PropagitError("NO_INSTANCE", `no instance fits ${describeTarget(target)}`);
}

/** `webapp in staging, service http` for messages. */
function describeTarget(target: InstanceTarget): string {
  const { repo, environment, release, services, processes, drones } = target;
  const parts = [
    ...(repo === undefined ? [] : [`repository ${quote(repo)}`]),
    ...(environment === undefined ? [] : [`environment ${quote(environment)}`]),
    ...(release === undefined ? [] : [`release ${quote(release)}`]),
    ...(services === undefined ? [] : [`service ${listOf(services)}`]),
    ...(processes === undefined ? [] : [`process ${listOf(processes)}`]),
    ...(drones === undefined ? [] : ["the drones that were named"]),
  ];
  return parts.length === 0 ? "at all" : parts.join(", ");
}

function environmentOf({ environment = environmentDefault }: InstanceReport): string {
  return environment;
}

function instancesOf<D extends DroneWithInstances>(
  target: DroneTarget | undefined,
  drones: readonly D[],
): readonly FoundInstance<D>[] {
  return chooseDrones(target, drones).flatMap((drone) =>
    [...drone.instances.values()].map((report) => ({ drone, report })),
  );
}

function withoutSuffix(repo: string): string {
  return repo.endsWith(".git") ? repo.slice(0, -4) : repo;
}

/** @throws NO_RELEASE, AMBIGUOUS */
function testOfRelease(
  { repo, environment }: InstanceTarget,
  wanted: string,
  instances: readonly FoundInstance[],
  releases: Iterable<TargetRelease>,
): (instance: FoundInstance) => boolean {
  const own = [...releases].filter(
    (release) =>
      (repo === undefined || release.repo === withoutSuffix(repo)) &&
      (environment === undefined || release.environment === environment),
  );
  const numbered = own.filter(
    ({ number }) => /^\d{1,9}$/.test(wanted) && number === Number(wanted),
  );
  if (numbered.length > 0) {
    const deployments = new Set(numbered.map(({ deployment }) => deployment));
    return ({ report }) => report.deployment !== undefined && deployments.has(report.deployment);
  }
  const commit = commitOf(wanted.toLowerCase(), [...own, ...instances.map(({ report }) => report)]);
  if (commit !== undefined) return ({ report }) => report.commit === commit;
  const where = repo === undefined ? "" : ` of ${withoutSuffix(repo)}`;
  throw new PropagitError("NO_RELEASE", `there is no release ${quote(wanted)}${where}`);
}

function commitOf(
  prefix: string,
  known: readonly { readonly commit: string }[],
): string | undefined {
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) return undefined;
  const fitting = known.map(({ commit }) => commit).filter((commit) => commit.startsWith(prefix));
  const [first, ...others] = new Set(fitting);
  if (others.length === 0) return first;
  // A little longer than what was written, so that they can be told apart.
  const commits = [first ?? "", ...others].map((commit) => commit.slice(0, prefix.length + 4));
  throw new PropagitError("AMBIGUOUS", `${prefix} fits the commits ${listOf(commits)}`);
}

/** @throws NO_INSTANCE */
function chooseServices<D extends NamedDrone>(
  services: readonly string[],
  instances: readonly FoundInstance<D>[],
): readonly FoundInstance<D>[] {
  const there = new Set(instances.map(({ report }) => report.service));
  const missing = services.filter((service) => !there.has(service));
  if (missing.length > 0) {
    const names = there.size === 0 ? "nothing runs there" : `there are ${listOf([...there])}`;
    throw new PropagitError("NO_INSTANCE", `no instance of service ${listOf(missing)}; ${names}`);
  }
  return instances.filter(({ report }) => services.includes(report.service));
}

/** @throws NO_INSTANCE, AMBIGUOUS */
function chooseProcesses<D extends NamedDrone>(
  processes: readonly string[],
  instances: readonly FoundInstance<D>[],
): readonly FoundInstance<D>[] {
  const chosen = new Set(processes.map((wanted) => chooseProcess(wanted, instances)));
  return instances.filter((instance) => chosen.has(instance));
}

function chooseProcess<D extends NamedDrone>(
  wanted: string,
  instances: readonly FoundInstance<D>[],
): FoundInstance<D> {
  const idOf = ({ report: { process: id } }: FoundInstance<D>) => id;
  const exact = instances.find((instance) => idOf(instance) === wanted);
  const fitting = instances.filter((instance) => idOf(instance).startsWith(wanted));
  const only = exact ?? fitting[0];
  if (only === undefined || wanted === "") {
    throw new PropagitError("NO_INSTANCE", `no instance there has the process id ${quote(wanted)}`);
  }
  if (exact === undefined && fitting.length > 1) {
    const ids = listOf(fitting.map(idOf));
    throw new PropagitError("AMBIGUOUS", `${quote(wanted)} fits the processes ${ids}`);
  }
  return only;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, listedMax).join(", ");
  return names.length > listedMax ? `${shown}, …` : shown;
}
