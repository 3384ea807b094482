/**
 * In which order drones get a release: in the waves that were asked for or that its manifest says, each split further
 * where a service is to keep some of its instances up.
 *
 *     drones that fit --without those that run it already--> waves --minUp of each service--> groups
 *
 * What a release touches is a drone: while it starts there, what ran there before is not counted as up.
 */
import {
  matchesSelector,
  minUpOf,
  PropagitError,
  type Service,
  type Specification,
  type WavesWish,
} from "@propagit/protocol";
import { wavesOf, type Wave, type WaveBy } from "@propagit/plan";
import { currentRelease } from "../deployment-edits.js";
import { isComplete, isThere, ownService } from "../readiness.js";
import { restartsAtOnce } from "../rolling.js";
import { groupsKeepingUp, type KeptService } from "./kept-up.js";
import { seenIn, type PlannerDrone, type PlannerView } from "./planner-view.js";
import type { PlannedRelease, ReleaseWave } from "./release-plan.js";

export interface WavesQuestion {
  readonly repo: string;
  readonly environment: string;
  /** Id of what is to run. */
  readonly deployment: string;
  readonly specification: Specification;
  /** Of whoever asks, over what the manifest says. */
  readonly waves?: WavesWish;
  /** What runs already is restarted. */
  readonly redeploy?: boolean;
}

/** What of its plan depends on the cluster. @throws BAD_PLAN when it cannot be done like that */
export function waysOf(
  view: PlannerView,
  asked: WavesQuestion,
): Pick<PlannedRelease, "waves" | "restarts"> {
  const waves = releaseWaves(view, asked);
  const restarts = restartsRunning(view, asked);
  return { ...(waves.length > 0 && { waves }), ...(restarts && { restarts }) };
}

/**
 * Nothing when all get it at once.
 *
 * @throws BAD_PLAN when it cannot be done like that
 */
export function releaseWaves(view: PlannerView, asked: WavesQuestion): readonly ReleaseWave[] {
  const { specification, deployment, waves: wish } = asked;
  if (comesAtOnce(asked)) return [];
  const isRestart = restartsRunning(view, asked);
  if (wish?.afterMs !== undefined && !saysWaves(wish, specification)) throw noWaves();
  const row = view.rows.rows("deployments").get(deployment);
  // It may run everywhere already: who lacks some of it is getting it.
  if (row?.started && !row.only && !isRestart) return [];
  const wanted = overManifest(wish, specification.waves);
  const drones = isRestart ? fittingIn(view, specification) : lackingIn(view, asked);
  if (drones.length === 0) return [];
  const waves = rawWaves(drones, wanted);
  const kept = keptServices(view, asked, isRestart && wish?.by === undefined);
  const split = waves.flatMap((wave, at) => {
    const groups = splitWave(wave, kept, wanted.force ?? false);
    const { afterMs } = wanted;
    // Those that a service's `minUp` makes of one wave follow one another at once.
    return at === 0 || !afterMs
      ? groups
      : groups.map((group, n) => (n ? group : { ...group, afterMs }));
  });
  return !saysWaves(wish, specification) && split.length === 1 && !isRestart ? [] : split;
}

/** Nobody says anything of an order: nothing of the cluster has to be looked at. */
export function comesAtOnce({ waves, specification, redeploy }: WavesQuestion): boolean {
  const saysAny = saysWaves(waves, specification) || waves?.afterMs !== undefined;
  return !saysAny && !redeploy && !saysMinUp(specification);
}

/** Whoever only says `force` says nothing of waves. */
function saysWaves(wish: WavesWish | undefined, { waves }: Specification): boolean {
  return wish?.by !== undefined || wish?.canary !== undefined || waves !== undefined;
}

/** Whether its instances are there, and are to be restarted. */
export function restartsRunning(
  { rows }: Pick<PlannerView, "rows">,
  { deployment, redeploy = false }: Pick<WavesQuestion, "deployment" | "redeploy">,
): boolean {
  return redeploy && (rows.rows("deployments").get(deployment)?.started ?? false);
}

/** Drones that may run some of it. */
export function fits(
  { draining, ownCommand, labels }: PlannerDrone,
  { services }: Pick<Specification, "services">,
): boolean {
  return !draining && (ownCommand || services.some(({ on }) => matchesSelector(on, labels)));
}

/** Who says how drones come together says all of it; a canary alone goes before the waves of the manifest. */
function overManifest(wish: WavesWish = {}, said: Specification["waves"] = {}): WavesWish {
  return wish.by ? wish : { ...said, ...wish };
}

function fittingIn({ drones }: PlannerView, specification: Specification): readonly PlannerDrone[] {
  return drones.filter((drone) => fits(drone, specification));
}

/** Without those that run all of it already. */
function lackingIn(
  view: PlannerView,
  { deployment, specification }: WavesQuestion,
): readonly PlannerDrone[] {
  const fitting = fittingIn(view, specification);
  if (!view.counts.has(deployment)) return fitting;
  const done = new Set(
    seenIn(view, deployment)
      .filter((drone) => drone.wanted.size > 0 && isThere(drone) && isComplete(drone))
      .map(({ identity }) => identity),
  );
  return fitting.filter(({ identity }) => !done.has(identity));
}

/** @throws BAD_PLAN */
function rawWaves(
  drones: readonly PlannerDrone[],
  { by = { kind: "once" }, canary, force = false }: WavesWish,
): readonly Wave<PlannerDrone>[] {
  const rules = { by: ruleOf(by, force), ...(canary !== undefined && { canary }) };
  const waves = wavesOf(drones, rules);
  if (waves.kind === "refused") throw refused(waves.why, canary);
  return waves.waves;
}

/** @throws BAD_PLAN */
function splitWave(
  { name, drones }: Wave<PlannerDrone>,
  kept: readonly KeptService[],
  force: boolean,
): readonly ReleaseWave[] {
  const split = groupsKeepingUp(drones, kept, force);
  if (split.kind === "refused") throw refused(split.why, undefined);
  const { groups } = split;
  const nameOf = (at: number) =>
    name === "all" ? `${at + 1} of ${groups.length}` : `${name}, ${at + 1} of ${groups.length}`;
  return groups.map((group, at) => ({
    name: groups.length === 1 ? name : nameOf(at),
    drones: group.map((drone) => drone.name),
  }));
}

function saysMinUp({ services }: Specification): boolean {
  return services.some(({ minUp }) => minUp !== undefined);
}

/**
 * Of what its visitors get now: before there is anything, nothing has to stay up.
 *
 * @param asByHand whoever restarts it does not say how: what has no `minUp` goes as `propagit restart` does it
 */
function keptServices(
  view: PlannerView,
  { repo, environment, specification }: WavesQuestion,
  asByHand: boolean,
): readonly KeptService[] {
  const current = currentRelease(view.rows, repo, environment);
  const counts = current && view.counts.get(current.deployment);
  if (!counts) return [];
  const there = new Set(view.drones.filter(isThere).map(({ identity }) => identity));
  const services: readonly Pick<Service, "name" | "minUp">[] = specification.services;
  return [...services, { name: ownService }].flatMap((service) => {
    const instances = counts.get(service.name);
    const kept = instances && keptOf(service, instances, { there, asByHand });
    return kept ? [kept] : [];
  });
}

function keptOf(
  { name, minUp }: Pick<Service, "name" | "minUp">,
  all: ReadonlyMap<string, number>,
  { there, asByHand }: { readonly there: ReadonlySet<string>; readonly asByHand: boolean },
): KeptService | undefined {
  const total = sumOf(all.values());
  if (total === 0 || (minUp === undefined && !asByHand)) return undefined;
  const instances = new Map([...all].filter(([identity]) => there.has(identity)));
  const up = sumOf(instances.values());
  const kept = { name, instances, up, total };
  if (minUp !== undefined) return { ...kept, least: minUpOf(minUp, total) };
  // A drone restarts its own one after the other, so that it counts as one.
  const most = [...instances.values()].reduce(
    (left, right) => Math.max(left, right),
    restartsAtOnce(total),
  );
  return { ...kept, least: up - most };
}

function sumOf(counts: Iterable<number>): number {
  return [...counts].reduce((sum, count) => sum + count, 0);
}

function ruleOf(by: NonNullable<WavesWish["by"]>, force: boolean): WaveBy {
  switch (by.kind) {
    case "once":
    case "label":
      return by;
    case "percent":
      return { kind: "percent", steps: risingTo100(by.steps) };
    case "min-up":
      return { ...by, force };
    default:
      return by satisfies never;
  }
}

/** Whoever says `5,25` means the rest, too. */
function risingTo100(steps: readonly number[]): readonly number[] {
  const rising = [...new Set(steps)].sort((left, right) => left - right);
  return rising.at(-1) === 100 ? rising : [...rising, 100];
}

function noWaves(): PropagitError {
  return new PropagitError("BAD_PLAN", "it comes in no waves that could wait for one another", {
    hint: "say which drones come together, too: --waves zone",
  });
}

function refused(why: string, canary: string | undefined): PropagitError {
  const hint =
    canary !== undefined && why.includes(canary)
      ? "see which drones fit: propagit drones"
      : "let fewer stay up, add a drone, or replace them one by one with --force: propagit deploy REPO COMMIT --force";
  return new PropagitError("BAD_PLAN", `these waves are not possible: ${why}`, { hint });
}
