/**
 * Stops deployments: nothing of them is wanted any more, in one change; then it is told how the instances
 * end. A hub that dies meanwhile has it written, and its drones go on stopping; in its next life it only looks on. What
 * somebody deploys again meanwhile is none of it any more.
 */
import {
  environmentDefault,
  shortCommit,
  type DroneOutcome,
  type DroneProgress,
  type InstanceReport,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { Draft } from "./core/draft.js";
import { isAlive } from "./core/readiness.js";
import { placeName } from "./core/place-name.js";
import type { NewEvent } from "./core/rows.js";
import { undesire } from "./core/route-edits.js";
import type { StepMark } from "./core/step-edits.js";
import { stillRouted } from "./core/still-routed.js";
import { deploymentsOf, notDeployed, resolveDeployed, type Deployed } from "./deployed.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { Rollouts } from "./rollouts.js";
import { untilBack, untilObserved, type UntilOptions } from "./until-observed.js";
import type { HubWorld } from "./world.js";

/** A guess: a slow farewell. */
const stopMs = 2 * 60_000;

interface StopCall extends Pick<IncomingCall<"hub.stop">, "part" | "signal">, StepMark {
  readonly isAgain?: boolean;
}

/** With the deployments that are not wanted any more. */
interface Stopped extends Pick<Result<"hub.stop">, "repo" | "commit" | "environment"> {
  readonly ids: ReadonlySet<string>;
}

export class StopDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #rollouts: Pick<Rollouts, "stopped">;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet, rollouts: Pick<Rollouts, "stopped">) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#rollouts = rollouts;
  }

  /**
   * @param call.isAgain a former life of the hub began it: then somebody else may have stopped it before
   * @throws NOT_DEPLOYED, STILL_ROUTED, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS, DATA_UNUSABLE
   */
  async stop(params: Params<"hub.stop">, call: StopCall): Promise<Result<"hub.stop">> {
    const { part, signal, written } = call;
    const { ids, ...place } = written
      ? askedFor(params, written.ids)
      : await this.#write(params, call);
    this.#rollouts.stopped(this.#unwanted(ids), params.by ?? "somebody");
    if (written) await untilBack(this.#waiting(signal));
    const drones = await this.#watch(ids, part, signal);
    const outcome = drones.some((one) => one.outcome === "failed") ? "failed" : "stopped";
    return { ...place, outcome, drones };
  }

  async #write(
    { repo, ref, environment, force, by = "somebody" }: Params<"hub.stop">,
    { mark, isAgain = false }: StopCall,
  ): Promise<Stopped> {
    const target = await resolveDeployed(this.#world, this.#ledger, { repo, environment, ref });
    let ids: ReadonlySet<string> = new Set();
    await this.#ledger.change(() => {
      const rows = deploymentsOf(this.#ledger.rows("deployments"), target);
      if (rows.length === 0 && !isAgain) throw notDeployed(target);
      const refusal = force ? undefined : stillRouted(this.#ledger, target, rows);
      if (refusal) throw refusal;
      ids = new Set(rows.map(({ id }) => id));
      const draft = new Draft(this.#ledger);
      if (ids.size > 0) {
        undesire(draft, ids, this.#world.clock.now());
        draft.note(stoppedEvent(target, by));
      }
      mark?.(draft, { ids: [...ids] });
      return draft.changeIfAny;
    });
    return { repo: target.repo, commit: target.commit, environment: target.environment, ids };
  }

  /** Those that nobody has deployed again since. */
  #unwanted(ids: ReadonlySet<string>): ReadonlySet<string> {
    const wanted = this.#ledger.rows("deployments");
    return new Set([...ids].filter((id) => !wanted.has(id)));
  }

  /** Tells how the instances end on each drone that has any. */
  async #watch(
    ids: ReadonlySet<string>,
    part: (progress: DroneProgress) => void,
    signal: AbortSignal,
  ): Promise<DroneOutcome[]> {
    const { clock } = this.#world;
    const before = this.#unwanted(ids);
    const concerned = this.#fleet.members.filter((member) => aliveOf(member, before).length > 0);
    const told = new Map<string, DroneProgress["phase"]>();
    const look = () => {
      const left = this.#unwanted(ids);
      if (left.size === 0) return true;
      const phases = concerned.map(({ identity, name }) => {
        const phase = stopPhase(this.#fleet.member(identity), left);
        if (phase && told.get(name) !== phase) part({ at: clock.now(), drone: name, phase });
        if (phase) told.set(name, phase);
        return phase;
      });
      return phases.every((phase) => phase === "stopped" || phase === "away");
    };
    await untilObserved(this.#waiting(signal), look);
    const left = this.#unwanted(ids);
    return concerned.map(({ identity, name }) => this.#outcomeOf(identity, name, left));
  }

  #waiting(signal: AbortSignal): UntilOptions {
    const [{ clock }, fleet, ledger] = [this.#world, this.#fleet, this.#ledger];
    return { clock, fleet, ledger, limitMs: stopMs, signal };
  }

  #outcomeOf(identity: string, drone: string, ids: ReadonlySet<string>): DroneOutcome {
    if (ids.size === 0) {
      return { drone, outcome: "stopped", reason: "it was deployed again meanwhile" };
    }
    const member = this.#fleet.member(identity);
    const phase = stopPhase(member, ids);
    if (phase === "stopped") return { drone, outcome: "stopped" };
    if (phase === "away") {
      const reason = "the drone is away; it stops it when it comes back";
      return { drone, outcome: "away", reason };
    }
    const [alive] = member ? aliveOf(member, ids) : [];
    const late = `it was not stopped within ${stopMs / 60_000} min`;
    const reason = `${late}: ${alive?.reason ?? alive?.phase ?? "no reason given"}`;
    return { drone, outcome: "failed", reason };
  }
}

/** What it means by now is another matter. */
function askedFor(
  { repo, ref: commit, environment = environmentDefault }: Params<"hub.stop">,
  ids: readonly string[],
): Stopped {
  return { repo, commit, environment, ids: new Set(ids) };
}

function stoppedEvent(target: Deployed, by: string): NewEvent {
  const { repo, environment, commit } = target;
  const text = `${placeName(target)} ${shortCommit(commit)} is stopped`;
  return { kind: "stopped", repo, environment, commit, by, text };
}

function stopPhase(
  member: Member | undefined,
  ids: ReadonlySet<string>,
): "stopping" | "stopped" | "away" | undefined {
  if (!member || member.contact === "left") return "stopped";
  if (member.contact === "away") return "away";
  const alive = aliveOf(member, ids);
  if (alive.length === 0) return "stopped";
  return alive.some(({ phase }) => phase === "stopping") ? "stopping" : undefined;
}

function aliveOf({ instances }: Member, ids: ReadonlySet<string>): readonly InstanceReport[] {
  return [...instances.values()].filter(
    (report) => isAlive(report) && report.deployment !== undefined && ids.has(report.deployment),
  );
}
