/**
 * Ends single instances and keeps them ended, or lets them start again; takes work away from drones. What
 * is held and who drains are rows, so drones and placement follow by themselves. What a former life of the hub has
 * written is only looked on; and what somebody changes meanwhile is waited for no longer.
 */
import {
  toPropagitError,
  type DroneProgress,
  type FailedInstance,
  type InstanceReport,
  type InstanceTarget,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { droneCalled } from "./core/drone-called.js";
import { changed, Draft } from "./core/draft.js";
import { failedIn, failedInstance, lateness, notReady } from "./core/failed-instances.js";
import { heldPlaces, holdInstances, releaseHolds, servicesOf } from "./core/hold-edits.js";
import { chooseToHold, chooseToStart, heldOf } from "./core/instance-choice.js";
import type { FoundInstance } from "./core/instance-target.js";
import { isAlive, isThere } from "./core/readiness.js";
import { holdKey, type HoldRow } from "./core/rows.js";
import type { StepMark } from "./core/step-edits.js";
import { byName } from "./fleet-view.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { Rollouts } from "./rollouts.js";
import { untilBack, untilObserved } from "./until-observed.js";
import type { HubWorld } from "./world.js";

/** Guesses: a slow farewell, a slow start; everything of a drone to be started elsewhere first. */
const limitMs = { hold: 2 * 60_000, start: 5 * 60_000, drain: 15 * 60_000 } as const;

type Found = FoundInstance<Member>;
type Part = (progress: DroneProgress) => void;

interface HoldCall extends Pick<IncomingCall<"hub.hold">, "part" | "signal">, StepMark {
  /** A former life of the hub began it. */
  readonly isAgain?: boolean;
}

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
    call: HoldCall,
  ): Promise<Result<"hub.hold">> {
    // What drones of a former life of the hub run is known when they are back.
    if (call.isAgain) await this.#untilBack(call.signal);
    return start ? this.#start(target, by, call) : this.#hold({ target, force }, by, call);
  }

  /** @throws NO_DRONE, DATA_UNUSABLE */
  async drain(
    { drone, drain, by = "somebody" }: Params<"hub.drain">,
    { part, signal, written, mark }: Omit<HoldCall, "isAgain">,
  ): Promise<Result<"hub.drain">> {
    const identity = written?.ids[0] ?? droneCalled(this.#fleet.members, drone).identity;
    const write = () => {
      const row = this.#ledger.rows("drones").get(identity);
      const draft = new Draft(this.#ledger);
      mark?.(draft, { ids: [identity] });
      if (!row || (row.draining ?? false) === drain) return draft.changeIfAny;
      draft.put("drones", identity, changed(row, { draining: drain ? true : undefined }));
      const kind = drain ? "drained" : "undrained";
      const text = drain ? `${by} drains ${drone}` : `${drone} takes instances again`;
      draft.note({ kind, drone, by, text });
      return draft.change;
    };
    if (!written) await this.#ledger.change(write);
    const failed = drain ? await this.#watchDrain(identity, drone, part, signal) : [];
    return { instances: this.#aliveOn(identity).length, ...failedIn(failed) };
  }

  async #hold(
    wanted: { readonly target: InstanceTarget; readonly force: boolean },
    by: string,
    call: HoldCall,
  ): Promise<Result<"hub.hold">> {
    const { part, signal } = call;
    const found = await this.#holdOnce(wanted, by, call);
    const held = found.filter((one) => !this.#isFreed(one));
    this.#rollouts.held(servicesOf(held.map(heldOf)), by);
    const gone = new Set<string>();
    await this.#until(limitMs.hold, signal, () => {
      for (const { drone, report } of held) {
        const now = this.#fleet.member(drone.identity);
        const isGone = !isRunning(now, report.process) || now?.contact === "away";
        if (!isGone || gone.has(report.process)) continue;
        gone.add(report.process);
        part({ at: this.#world.clock.now(), drone: drone.name, phase: "stopped" });
      }
      return held.every((one) => gone.has(one.report.process) || this.#isFreed(one));
    });
    const left = found.filter(({ report }) => !gone.has(report.process));
    const failed = this.#notEnded(left, lateness(limitMs.hold, signal));
    const ended = found.filter(({ report }) => gone.has(report.process));
    return { instances: named(ended), ...failedIn(failed) };
  }

  #notEnded(left: readonly Found[], late: string): readonly FailedInstance[] {
    return left.map((one) => {
      const { identity, name } = one.drone;
      const report = this.#fleet.member(identity)?.instances.get(one.report.process) ?? one.report;
      const reason = `it did not end ${late}: ${report.reason ?? report.phase}`;
      const again = "somebody started it again meanwhile";
      return failedInstance(name, this.#isFreed(one) ? again : reason, report);
    });
  }

  /** Those that are held; of what a former life of the hub has written, those that still run. */
  async #holdOnce(
    wanted: { readonly target: InstanceTarget; readonly force: boolean },
    by: string,
    { written, mark, isAgain = false }: HoldCall,
  ): Promise<readonly Found[]> {
    const drones = () => byName(this.#fleet.members);
    if (written) return foundOf(drones(), new Set(written.ids));
    let found: readonly Found[] = [];
    await this.#ledger.change(() => {
      found = orNone(isAgain, () => chooseToHold(this.#ledger, drones(), wanted));
      const draft = new Draft(this.#ledger);
      holdInstances(draft, found.map(heldOf), by);
      mark?.(draft, { ids: found.map(({ report }) => report.process) });
      return draft.changeIfAny;
    });
    return found;
  }

  async #start(target: InstanceTarget, by: string, call: HoldCall): Promise<Result<"hub.hold">> {
    const { part, signal } = call;
    const freed = await this.#freeOnce(target, by, call);
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
      return freed.every((row) => {
        const member = this.#memberThere(row);
        return told.has(row) || !member || hasFailed(member, row) || this.#isEnded(row);
      });
    });
    const late = lateness(limitMs.start, signal);
    const failed = freed.flatMap((row) => {
      const member = told.has(row) ? undefined : this.#memberThere(row);
      if (!member) return [];
      if (this.#isEnded(row)) {
        return [failedInstance(member.name, `${row.service}: somebody ended it again meanwhile`)];
      }
      const reports = reportsOf(member, row).filter(({ phase }) => phase !== "ready");
      return notReady(member.name, reports, late);
    });
    return { instances: started, ...failedIn(failed) };
  }

  /** One that is away starts it when it comes back. */
  #memberThere({ identity }: HoldRow): Member | undefined {
    const member = this.#fleet.member(identity);
    return member && isThere(member) ? member : undefined;
  }

  /** What may start again. */
  async #freeOnce(
    target: InstanceTarget,
    by: string,
    { written, mark, isAgain = false }: HoldCall,
  ): Promise<readonly HoldRow[]> {
    if (written) return written.places;
    let freed: readonly HoldRow[] = [];
    await this.#ledger.change(() => {
      const drones = byName(this.#fleet.members);
      freed = orNone(isAgain, () => chooseToStart(this.#ledger, drones, target));
      const draft = new Draft(this.#ledger);
      releaseHolds(draft, freed, by);
      mark?.(draft, { places: freed });
      return draft.changeIfAny;
    });
    return freed;
  }

  /** Somebody lets it start again. What nobody wants any more was never held, and ends all the same. */
  #isFreed(one: Found): boolean {
    const isWanted = this.#ledger.rows("deployments").has(one.report.deployment ?? "");
    return isWanted && heldPlaces(this.#ledger, [heldOf(one)]).length === 0;
  }

  /** Somebody has ended it again, alone or with all of its release. */
  #isEnded(row: HoldRow): boolean {
    const held = this.#ledger.rows("holds").get(holdKey(row))?.slots ?? [];
    const isWanted = this.#ledger.rows("deployments").has(row.deployment);
    return !isWanted || row.slots.some((slot) => held.includes(slot));
  }

  /** @returns what did not go */
  async #watchDrain(
    identity: string,
    drone: string,
    part: Part,
    signal: AbortSignal,
  ): Promise<readonly FailedInstance[]> {
    let before = this.#aliveOn(identity).length;
    await this.#until(limitMs.drain, signal, () => {
      const left = this.#aliveOn(identity).length;
      const isDraining = this.#fleet.member(identity)?.draining ?? false;
      const at = this.#world.clock.now();
      if (left < before)
        part({ at, drone, phase: left === 0 ? "stopped" : "stopping", ready: left });
      before = left;
      const contact = this.#fleet.member(identity)?.contact;
      // One whose line just broke, or whose hub was just started, is waited for.
      const isGone = contact !== "connected" && contact !== "lost";
      return (left === 0 && contact !== "lost") || !isDraining || isGone;
    });
    const left = this.#aliveOn(identity);
    const member = this.#fleet.member(identity);
    if (member && isThere(member)) {
      return member.draining ? notGone(drone, left, signal) : undrained(drone, left.length);
    }
    if (left.length > 0) {
      const reason = "the drone is away; it ends them when it comes back";
      part({ at: this.#world.clock.now(), drone, phase: "away", reason });
    }
    return [];
  }

  #until(ms: number, signal: AbortSignal, look: () => boolean): Promise<boolean> {
    const { clock } = this.#world;
    const [fleet, ledger] = [this.#fleet, this.#ledger];
    return untilObserved({ clock, fleet, ledger, limitMs: ms, signal }, look);
  }

  #untilBack(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#world;
    return untilBack({ clock, fleet: this.#fleet, limitMs: limitMs.hold, signal });
  }

  #aliveOn(identity: string): readonly InstanceReport[] {
    return [...(this.#fleet.member(identity)?.instances.values() ?? [])].filter(isAlive);
  }
}

/** Of what a former life of the hub began nothing may be left to do. */
function orNone<T>(isAgain: boolean, choose: () => readonly T[]): readonly T[] {
  try {
    return choose();
  } catch (thrown) {
    if (isAgain && toPropagitError(thrown).code === "NO_INSTANCE") return [];
    throw thrown;
  }
}

function foundOf(drones: readonly Member[], processes: ReadonlySet<string>): readonly Found[] {
  return drones.flatMap((drone) =>
    [...drone.instances.values()]
      .filter((report) => processes.has(report.process) && isAlive(report))
      .map((report) => ({ drone, report })),
  );
}

function isRunning(member: Member | undefined, process: string): boolean {
  const report = member?.instances.get(process);
  return report !== undefined && isAlive(report);
}

function readyOf(member: Member, row: HoldRow): readonly InstanceReport[] {
  return reportsOf(member, row).filter(({ phase }) => phase === "ready");
}

function reportsOf({ instances, ownCommand }: Member, row: HoldRow): readonly InstanceReport[] {
  return [...instances.values()].filter(
    ({ deployment, service, slot = 1 }) =>
      deployment === row.deployment &&
      (ownCommand || (service === row.service && row.slots.includes(slot))),
  );
}

/** Each is ready or failed, and nothing is under way that may get ready. */
function hasFailed(member: Member, row: HoldRow): boolean {
  const reports = reportsOf(member, row);
  const isOver = ({ phase }: InstanceReport) => phase === "ready" || phase === "failed";
  return reports.length >= row.slots.length && reports.every(isOver);
}

function notGone(
  drone: string,
  left: readonly InstanceReport[],
  signal: AbortSignal,
): readonly FailedInstance[] {
  const late = lateness(limitMs.drain, signal);
  return left.map((report) => {
    const { service, repo, phase, reason = phase } = report;
    return failedInstance(drone, `${service} of ${repo} did not go ${late}: ${reason}`, report);
  });
}

function undrained(drone: string, left: number): readonly FailedInstance[] {
  const much = left === 1 ? "1 instance" : `${left} instances`;
  return [failedInstance(drone, `somebody undrained it meanwhile; it runs ${much}`)];
}

function named(found: readonly Found[]): Result<"hub.hold">["instances"] {
  return found.map(({ drone, report }) => ({ drone: drone.name, process: report.process }));
}
