/**
 * Ends single instances and keeps them ended, or lets them start again; takes work away from drones. What
 * is held and who drains are rows, so drones and placement follow by themselves.
 */
import {
  environmentDefault,
  PropagitError,
  quote,
  type DroneProgress,
  type InstanceReport,
  type InstanceTarget,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { chooseDrones } from "./core/drone-target.js";
import { changed, Draft } from "./core/draft.js";
import { requireInstances, type FoundInstance } from "./core/instance-target.js";
import {
  heldPlaces,
  holdInstances,
  releaseHolds,
  routedAway,
  servicesOf,
} from "./core/hold-edits.js";
import { isAlive } from "./core/readiness.js";
import { flagOf } from "./core/rollout-lines.js";
import type { HoldRow } from "./core/rows.js";
import { describeUse, freeHint } from "./core/uses.js";
import { byName } from "./fleet-view.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { Rollouts } from "./rollouts.js";
import { untilObserved } from "./until-observed.js";
import type { HubWorld } from "./world.js";

/** Guesses: a slow farewell, a slow start; everything of a drone to be started elsewhere first. */
const limitMs = { hold: 2 * 60_000, start: 5 * 60_000, drain: 15 * 60_000 } as const;

type Found = FoundInstance<Member>;
type Part = (progress: DroneProgress) => void;

export class HoldDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #rollouts: Pick<Rollouts, "held">;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet, rollouts: Pick<Rollouts, "held">) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#rollouts = rollouts;
  }

  /** @throws NO_INSTANCE, NO_PLACE, NO_RELEASE, AMBIGUOUS, BAD_PATTERN, STILL_ROUTED, DATA_UNUSABLE */
  async hold(
    { target, start, force, by = "somebody" }: Params<"hub.hold">,
    { part, signal }: IncomingCall<"hub.hold">,
  ): Promise<Result<"hub.hold">> {
    return start
      ? this.#start(target, by, part, signal)
      : this.#hold(target, force, by, part, signal);
  }

  /** @throws NO_DRONE, DATA_UNUSABLE */
  async drain(
    { drone, drain, by = "somebody" }: Params<"hub.drain">,
    { part, signal }: Pick<IncomingCall<"hub.drain">, "part" | "signal">,
  ): Promise<Result<"hub.drain">> {
    const { identity } = this.#memberCalled(drone);
    await this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(identity);
      if (!row || (row.draining ?? false) === drain) return undefined;
      const draft = new Draft(this.#ledger);
      draft.put("drones", identity, changed(row, { draining: drain ? true : undefined }));
      const kind = drain ? "drained" : "undrained";
      const text = drain ? `${by} drains ${drone}` : `${drone} takes instances again`;
      draft.note({ kind, drone, by, text });
      return draft.change;
    });
    const alive = () => this.#aliveOn(identity).length;
    if (drain) await this.#watchDrain(identity, drone, part, signal);
    return { instances: alive() };
  }

  async #hold(
    target: InstanceTarget,
    force: boolean,
    by: string,
    part: Part,
    signal: AbortSignal,
  ): Promise<Result<"hub.hold">> {
    let found: readonly Found[] = [];
    await this.#ledger.change(() => {
      found = this.#find(target).filter(({ report }) => isAlive(report));
      if (found.length === 0) throw noInstance("none of them runs");
      if (!force) this.#refuseRouted(found);
      const draft = new Draft(this.#ledger);
      holdInstances(draft, found.map(placeOf), by);
      return draft.change;
    });
    this.#rollouts.held(servicesOf(found.map(placeOf)), by);
    const gone = new Set<string>();
    await this.#until(limitMs.hold, signal, () => {
      for (const { drone, report } of found) {
        const now = this.#fleet.member(drone.identity);
        const isGone = !isRunning(now, report.process) || now?.contact === "away";
        if (!isGone || gone.has(report.process)) continue;
        gone.add(report.process);
        part({ at: this.#world.clock.now(), drone: drone.name, phase: "stopped" });
      }
      return gone.size === found.length;
    });
    return { instances: named(found.filter(({ report }) => gone.has(report.process))) };
  }

  async #start(
    target: InstanceTarget,
    by: string,
    part: Part,
    signal: AbortSignal,
  ): Promise<Result<"hub.hold">> {
    let freed: readonly HoldRow[] = [];
    await this.#ledger.change(() => {
      freed = this.#holdsOf(target);
      if (freed.length === 0) throw noInstance("nothing that was stopped by hand fits");
      const draft = new Draft(this.#ledger);
      releaseHolds(draft, freed, by);
      return draft.change;
    });
    const told = new Set<HoldRow>();
    const started: Result<"hub.hold">["instances"] = [];
    await this.#until(limitMs.start, signal, () => {
      for (const row of freed) {
        const member = this.#fleet.member(row.identity);
        const ready = member ? readyOf(member, row) : [];
        if (told.has(row) || !member || ready.length < row.slots.length) continue;
        told.add(row);
        part({ at: this.#world.clock.now(), drone: member.name, phase: "ready" });
        started.push(...ready.map(({ process }) => ({ drone: member.name, process })));
      }
      const isThere = ({ identity }: HoldRow) =>
        this.#fleet.member(identity)?.contact === "connected";
      return freed.every((row) => told.has(row) || !isThere(row));
    });
    return { instances: started };
  }

  async #watchDrain(identity: string, drone: string, part: Part, signal: AbortSignal) {
    let before = this.#aliveOn(identity).length;
    await this.#until(limitMs.drain, signal, () => {
      const left = this.#aliveOn(identity).length;
      const isDraining = this.#fleet.member(identity)?.draining ?? false;
      const at = this.#world.clock.now();
      if (left < before)
        part({ at, drone, phase: left === 0 ? "stopped" : "stopping", ready: left });
      before = left;
      return left === 0 || !isDraining || this.#fleet.member(identity)?.contact !== "connected";
    });
  }

  #until(ms: number, signal: AbortSignal, look: () => boolean): Promise<boolean> {
    const { clock } = this.#world;
    return untilObserved({ clock, fleet: this.#fleet, limitMs: ms, signal }, look);
  }

  #find(target: InstanceTarget): readonly Found[] {
    const releases = this.#ledger.rows("releases").values();
    return requireInstances(target, byName(this.#fleet.members), releases);
  }

  #refuseRouted(found: readonly Found[]): void {
    const all = this.#fleet.members.flatMap((member) =>
      member.contact === "connected" ? [...member.instances.values()] : [],
    );
    const last = routedAway(
      this.#ledger,
      all,
      found.map(({ report }) => report),
    );
    if (!last) return;
    const { service, repo, environment = environmentDefault } = last.report;
    const why = last.use.kind === "share" ? "visitors are sent to it" : describeUse(last.use);
    const hint = freeHint(last.use, repo, flagOf(environment));
    throw new PropagitError(
      "STILL_ROUTED",
      `that is the last ready instance of ${service} of ${repo}, and ${why}`,
      hint === undefined ? {} : { hint },
    );
  }

  /** Held by hand: those of the target, whole or in part. */
  #holdsOf(target: InstanceTarget): readonly HoldRow[] {
    if (target.processes !== undefined)
      return heldPlaces(this.#ledger, this.#find(target).map(placeOf));
    const drones = new Set(
      chooseDrones(target.drones, this.#fleet.members).map(({ identity }) => identity),
    );
    const { repo, environment, release, services } = target;
    return [...this.#ledger.rows("holds").values()].filter((row) => {
      const deployment = this.#ledger.rows("deployments").get(row.deployment);
      if (!deployment || !drones.has(row.identity)) return false;
      if (repo !== undefined && deployment.repo !== repo) return false;
      if (environment !== undefined && deployment.environment !== environment) return false;
      if (services !== undefined && !services.includes(row.service)) return false;
      return release === undefined || isMeant(release, deployment);
    });
  }

  #memberCalled(name: string): Member {
    const member = this.#fleet.members.find((each) => each.name === name);
    if (member) return member;
    throw new PropagitError("NO_DRONE", `no drone is called ${quote(name)}`, {
      hint: "see them with `propagit drones`",
    });
  }

  #aliveOn(identity: string): readonly InstanceReport[] {
    return [...(this.#fleet.member(identity)?.instances.values() ?? [])].filter(isAlive);
  }
}

function isMeant(wanted: string, row: { readonly release: number; readonly commit: string }) {
  return String(row.release) === wanted || row.commit.startsWith(wanted.toLowerCase());
}

function placeOf({ drone, report }: Found) {
  return { identity: drone.identity, ownCommand: drone.ownCommand, report };
}

function isRunning(member: Member | undefined, process: string): boolean {
  const report = member?.instances.get(process);
  return report !== undefined && isAlive(report);
}

function readyOf({ instances, ownCommand }: Member, row: HoldRow): readonly InstanceReport[] {
  return [...instances.values()].filter(
    ({ deployment, service, slot = 1, phase }) =>
      deployment === row.deployment &&
      phase === "ready" &&
      (ownCommand || (service === row.service && row.slots.includes(slot))),
  );
}

function named(found: readonly Found[]): Result<"hub.hold">["instances"] {
  return found.map(({ drone, report }) => ({ drone: drone.name, process: report.process }));
}

function noInstance(why: string): PropagitError {
  return new PropagitError("NO_INSTANCE", why);
}
