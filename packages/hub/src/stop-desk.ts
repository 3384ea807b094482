/**
 * Stops deployments: nothing of them is wanted any more, in one change; then it is told how the instances
 * end. A hub that dies meanwhile has it written, and its drones go on stopping.
 */
import {
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
import { undesire } from "./core/route-edits.js";
import { stillRouted } from "./core/still-routed.js";
import { deploymentsOf, notDeployed, resolveDeployed, type Deployed } from "./deployed.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { Rollouts } from "./rollouts.js";
import { untilBack, untilObserved } from "./until-observed.js";
import type { HubWorld } from "./world.js";

/** A guess: a slow farewell. */
const stopMs = 2 * 60_000;

interface StopCall extends Pick<IncomingCall<"hub.stop">, "part" | "signal"> {
  readonly isAgain?: boolean;
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
   * @param call.isAgain a former life of the hub began it: then it may be wanted no more, and only be ending
   * @throws NOT_DEPLOYED, STILL_ROUTED, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS, DATA_UNUSABLE
   */
  async stop(
    { repo, ref, environment, force, by = "somebody" }: Params<"hub.stop">,
    { part, signal, isAgain = false }: StopCall,
  ): Promise<Result<"hub.stop">> {
    const target = await resolveDeployed(this.#world, this.#ledger, { repo, environment, ref });
    const isWanted = deploymentsOf(this.#ledger.rows("deployments"), target).length > 0;
    const ids =
      isAgain && !isWanted
        ? await this.#ending(target, signal)
        : await this.#undesire(target, force, by);
    this.#rollouts.stopped(ids, by);
    const drones = await this.#watch(ids, part, signal);
    const outcome = drones.some((one) => one.outcome === "failed") ? "failed" : "stopped";
    const { commit } = target;
    return { repo: target.repo, commit, environment: target.environment, outcome, drones };
  }

  /** What drones still run of something that is not wanted any more, once they have said so. */
  async #ending(target: Deployed, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { repo, environment, commit, deployment } = target;
    const options = { clock: this.#world.clock, fleet: this.#fleet, limitMs: stopMs, signal };
    await untilBack(options);
    const reports = this.#fleet.members.flatMap(({ instances }) => [...instances.values()]);
    const ending = reports.filter(
      (report) =>
        report.repo === repo && report.environment === environment && report.commit === commit,
    );
    const ids = new Set(ending.flatMap(({ deployment: id }) => (id === undefined ? [] : [id])));
    return deployment === undefined ? ids : new Set([...ids].filter((id) => id === deployment));
  }

  async #undesire(target: Deployed, force: boolean, by: string): Promise<ReadonlySet<string>> {
    let ids: ReadonlySet<string> = new Set();
    await this.#ledger.change(() => {
      const rows = deploymentsOf(this.#ledger.rows("deployments"), target);
      if (rows.length === 0) throw notDeployed(target);
      const refusal = force ? undefined : stillRouted(this.#ledger, target, rows);
      if (refusal) throw refusal;
      ids = new Set(rows.map(({ id }) => id));
      const draft = new Draft(this.#ledger);
      undesire(draft, ids, this.#world.clock.now());
      const { repo, environment, commit } = target;
      const text = `${placeName(target)} ${shortCommit(commit)} is stopped`;
      draft.note({ kind: "stopped", repo, environment, commit, by, text });
      return draft.change;
    });
    return ids;
  }

  /** Tells how the instances end on each drone that has any. */
  async #watch(
    ids: ReadonlySet<string>,
    part: (progress: DroneProgress) => void,
    signal: AbortSignal,
  ): Promise<DroneOutcome[]> {
    const { clock } = this.#world;
    const concerned = this.#fleet.members.filter((member) => aliveOf(member, ids).length > 0);
    const told = new Map<string, DroneProgress["phase"]>();
    const look = () => {
      const phases = concerned.map(({ identity, name }) => {
        const phase = stopPhase(this.#fleet.member(identity), ids);
        if (phase && told.get(name) !== phase) part({ at: clock.now(), drone: name, phase });
        if (phase) told.set(name, phase);
        return phase;
      });
      return phases.every((phase) => phase === "stopped" || phase === "away");
    };
    await untilObserved({ clock, fleet: this.#fleet, limitMs: stopMs, signal }, look);
    return concerned.map(({ identity, name }) => this.#outcomeOf(identity, name, ids));
  }

  #outcomeOf(identity: string, drone: string, ids: ReadonlySet<string>): DroneOutcome {
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
