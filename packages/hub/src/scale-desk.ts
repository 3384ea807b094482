/** Numbers of instances over what the manifest says, and services beside those of the manifest. */
import { manifestFiles, readManifest, specificationOf } from "@propagit/manifest";
import {
  environmentDefault,
  parseRepoName,
  parseServiceName,
  PropagitError,
  quote,
  type CommitHash,
  type DroneProgress,
  type FailedInstance,
  type Params,
  type Result,
  type RolloutResult,
  type Specification,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { environmentOf } from "./core/deployment-edits.js";
import { Draft } from "./core/draft.js";
import { failedIn, lateness, notReady } from "./core/failed-instances.js";
import { seeRelease } from "./core/release-history.js";
import { placeName } from "./core/place-name.js";
import { isThere } from "./core/readiness.js";
import { nameOfRelease } from "./core/rollout-edits.js";
import { placeKey, spawnedKey, type ReleaseRow } from "./core/rows.js";
import { withScales } from "./core/scales.js";
import { dronesToSpawn, refuseSpawn } from "./core/spawn-choice.js";
import { deploymentToSpawn, visitedRelease } from "./deployed.js";
import { byName } from "./fleet-view.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { ReleaseRequest } from "./rollout-request.js";
import type { Rollouts } from "./rollouts.js";
import { untilObserved } from "./until-observed.js";
import type { HubWorld } from "./world.js";

/** For a spawned service to be ready beside what it may take itself: a fetch. A guess. */
const spawnMs = 10 * 60_000;

const awayReason = "the drone is away; it starts it when it comes back";

interface SpawnCall extends Pick<IncomingCall<"hub.spawn">, "part" | "signal"> {
  /** A former life of the hub began it. */
  readonly isAgain?: boolean;
}

export class ScaleDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #rollouts: Pick<Rollouts, "start">;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet, rollouts: Pick<Rollouts, "start">) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#rollouts = rollouts;
  }

  /** @throws NOT_DEPLOYED, NO_SERVICE, and what a rollout throws */
  async scale(
    params: Params<"hub.scale">,
    { part, signal }: IncomingCall<"hub.scale">,
  ): Promise<RolloutResult> {
    return this.#rollouts.start(await this.scaleAsked(params), { onPart: part, signal });
  }

  /** What it is, before it is carried out or planned. @throws NOT_DEPLOYED, NO_SERVICE */
  async scaleAsked({
    repo,
    environment = environmentDefault,
    services,
    by = "somebody",
  }: Params<"hub.scale">): Promise<ReleaseRequest> {
    const current = visitedRelease(this.#ledger, parseRepoName(repo), environment);
    checkServices(
      current,
      services.map(({ service }) => service),
    );
    const manifest = await this.#manifestOf(current);
    const place = environmentOf(this.#ledger, current.repo, environment);
    const scales = changedScales(place.scales, services);
    const specification = withScales(rescaled(current.specification, manifest), scales);
    const text = `${by} scales ${placeName(current)}: ${describe(services)}`;
    const alongside = (draft: Draft) => putScales(draft, { current, services, scales, by, text });
    return { ...requestOf(current, specification, by), scales, alongside };
  }

  /** @throws NOT_DEPLOYED, EXISTS, NO_PLACE, BAD_PATTERN, and what finding a release throws */
  async spawn(
    params: Params<"hub.spawn">,
    { part, signal, isAgain = false }: SpawnCall,
  ): Promise<Result<"hub.spawn">> {
    const { service, by = "somebody" } = params;
    parseServiceName(service.name);
    const release = await deploymentToSpawn(this.#world, this.#ledger, params);
    const drones = dronesToSpawn(byName(this.#fleet.members), params);
    await this.#ledger.change(() => {
      const draft = new Draft(this.#ledger);
      const key = spawnedKey(release.id, service.name);
      if (isAgain && draft.rows("spawned").has(key)) return undefined;
      const deployment = refuseSpawn(draft, release, service.name);
      draft.put("spawned", key, {
        deployment: release.id,
        service,
        drones: drones.map(({ identity }) => identity),
        by,
        at: this.#world.clock.now(),
      });
      const { repo, environment, commit, release: number } = deployment;
      const where = drones.map(({ name }) => name).join(", ");
      const text = `${by} starts ${service.name} beside ${placeName(deployment)} on ${where}`;
      const about = { repo, environment, commit, release: number, by };
      draft.note({ kind: "spawned", ...about, text: text.slice(0, 2_000) });
      return draft.change;
    });
    const failed = await this.#watch(release.id, service, drones, part, signal);
    const instances = this.#instancesOf(release.id, service.name, drones);
    return { instances, ...failedIn(failed) };
  }

  /** As the commit itself says, before anybody scaled anything. */
  async #manifestOf({ repo, commit, environment }: ReleaseRow): Promise<Specification> {
    const name = parseRepoName(repo);
    const files = await this.#world.repositories.read(name, commit as CommitHash, manifestFiles);
    return specificationOf(readManifest(files), environment);
  }

  /** @returns what is not ready on drones that are there */
  async #watch(
    deployment: string,
    service: Params<"hub.spawn">["service"],
    drones: readonly Member[],
    part: (progress: DroneProgress) => void,
    signal: AbortSignal,
  ): Promise<readonly FailedInstance[]> {
    const { clock } = this.#world;
    const told = new Map<string, DroneProgress["phase"]>();
    const tell = (
      drone: string,
      progress: Pick<DroneProgress, "phase" | "reason" | "lastLines">,
    ) => {
      if (told.has(drone)) return;
      told.set(drone, progress.phase);
      part({ at: clock.now(), drone, ...progress });
    };
    const look = () => {
      for (const { identity, name } of drones) {
        const own = this.#reportsOf(identity, deployment, service.name);
        const member = this.#fleet.member(identity);
        const failed = own.find(({ phase }) => phase === "failed");
        if (!member || !isThere(member)) tell(name, { phase: "away", reason: awayReason });
        else if (own.some(({ phase }) => phase === "ready")) tell(name, { phase: "ready" });
        else if (failed) {
          const { reason = "it failed", lastLines } = failed;
          tell(name, { phase: "failed", reason, ...(lastLines && { lastLines }) });
        }
      }
      return told.size === drones.length;
    };
    const limitMs = spawnMs + service.readyTimeoutMs;
    await untilObserved({ clock, fleet: this.#fleet, limitMs, signal }, look);
    return drones.flatMap(({ identity, name }) => {
      const phase = told.get(name);
      if (phase === "ready" || phase === "away") return [];
      const reports = this.#reportsOf(identity, deployment, service.name);
      // What failed may have healed while others were waited for.
      if (reports.some((report) => report.phase === "ready")) return [];
      return notReady(name, reports, lateness(limitMs, signal));
    });
  }

  #reportsOf(identity: string, deployment: string, service: string) {
    const reports = this.#fleet.reportsOf(identity, deployment);
    return reports.filter((report) => report.service === service);
  }

  #instancesOf(
    deployment: string,
    service: string,
    drones: readonly Member[],
  ): Result<"hub.spawn">["instances"] {
    return drones.flatMap(({ identity, name: drone }) =>
      this.#reportsOf(identity, deployment, service).map(({ process }) => ({ drone, process })),
    );
  }
}

/** @throws CHANGED_MEANWHILE when somebody else has scaled it since `scales` was made */
function putScales(
  draft: Draft,
  {
    current: { repo, environment },
    services,
    scales,
    by,
    text,
  }: {
    readonly current: ReleaseRow;
    readonly services: Params<"hub.scale">["services"];
    readonly scales: Readonly<Record<string, number>>;
    readonly by: string;
    readonly text: string;
  },
): void {
  const row = environmentOf(draft, repo, environment);
  const now = changedScales(row.scales, services);
  if (JSON.stringify(now) !== JSON.stringify(scales)) {
    const what = placeName({ repo, environment });
    throw new PropagitError("CHANGED_MEANWHILE", `somebody else scaled ${what} meanwhile`, {
      hint: "look with `propagit ps`, then scale again",
    });
  }
  if (JSON.stringify(scales) === JSON.stringify(row.scales)) return;
  draft.put("environments", placeKey(repo, environment), { ...row, scales });
  draft.note({ kind: "scaled", repo, environment, by, text });
}

/** @throws NO_SERVICE */
function checkServices(release: ReleaseRow, wanted: readonly string[]): void {
  const known = release.specification.services.map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const there = known.length > 0 ? `but ${known.join(", ")}` : "nor any other";
  throw new PropagitError(
    "NO_SERVICE",
    `${nameOfRelease(release)} has no service ${quote(unknown)}, ${there}`,
    { hint: seeRelease(release) },
  );
}

function changedScales(
  scales: Readonly<Record<string, number>>,
  services: Params<"hub.scale">["services"],
): Readonly<Record<string, number>> {
  const named = new Set(services.map(({ service }) => service));
  const kept = Object.entries(scales).filter(([service]) => !named.has(service));
  const set = services.flatMap(({ service, instances }): [string, number][] =>
    instances === undefined ? [] : [[service, instances]],
  );
  return Object.fromEntries([...kept, ...set]);
}

/** The release's own services with the numbers that the manifest gives them. */
function rescaled(release: Specification, manifest: Specification): Specification {
  const counts = new Map(manifest.services.map(({ name, instances }) => [name, instances]));
  const services = release.services.map((service) => ({
    ...service,
    instances: counts.get(service.name) ?? service.instances,
  }));
  return { ...release, services };
}

function requestOf(current: ReleaseRow, specification: Specification, by: string): ReleaseRequest {
  const { repo, environment, commit, artifact, settings, subject } = current;
  return {
    repo: parseRepoName(repo),
    environment,
    commit: commit as CommitHash,
    kind: "scale",
    specification,
    settings,
    subject,
    by,
    ...(artifact !== undefined && { artifact }),
  };
}

function describe(services: Params<"hub.scale">["services"]): string {
  return services
    .map(({ service, instances }) => `${service} ${instances ?? "as the manifest says"}`)
    .join(", ")
    .slice(0, 1_000);
}
