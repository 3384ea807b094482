/**
 * `hub.files-push`: a push of files that somebody asks for and looks on at. It is a plan like any other, which
 * goes on whoever goes away, also after a restart of the hub; the same asked again looks on at it.
 *
 *     asked --> planFiles --> PlanEngine --> put-files on each drone (`FilesTasks`)
 *       ^                        |                     |
 *       '--how it ended: on disk-'-----how far it is---'
 */
import { PropagitError, type FilesOutcome, type Params, type Result } from "@propagit/protocol";
import {
  freshRunId,
  readPlan,
  tasksOfPlan,
  type Plan,
  type RunEvent,
  type RunSummary,
} from "@propagit/plan";
import { aborted, type Handlers, type IncomingCall } from "@propagit/runtime";
import { outcomeOf, pushedText, type FilesChange } from "./core/files-ends.js";
import { pushMs } from "./core/past-files.js";
import { beginsOfPath, isNamedAsFiles, planFiles, type FilesFound } from "./core/planners/files.js";
import type { NewEvent } from "./core/rows.js";
import type { FilesDesk, FilesWatcher } from "./files-desk.js";
import type { FilesTasks } from "./files-tasks.js";
import type { Fleet } from "./fleet.js";
import type { PlanDesk } from "./plan-desk.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { HubWorld } from "./world.js";

type PushParams = Params<"hub.files-push">;
type PushCall = Pick<IncomingCall<"hub.files-push">, "part" | "signal">;

export interface FilesRunsParts extends PlannerSightParts {
  readonly world: Pick<HubWorld, "clock" | "random">;
  readonly fleet: Pick<Fleet, "members">;
  readonly desk: Pick<FilesDesk, "compare" | "expect">;
  readonly tasks: Pick<FilesTasks, "watch">;
  readonly plans: () => Pick<PlanDesk, "runs" | "begin" | "noted">;
}

const textChars = 2_000;

export class FilesRuns {
  readonly #parts: FilesRunsParts;
  /** By run, until they are in the engine's list. */
  readonly #beginning = new Map<string, Promise<() => void>>();

  constructor(parts: FilesRunsParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "hub.files-push": (params, call) => this.#push(params, call),
  };

  /** What drones say of a push before it is one, and how long the last one took. @throws NO_COMMIT, NO_PLACE */
  async found(change: FilesChange, watcher: FilesWatcher): Promise<FilesFound> {
    const { kind: _, manifest, ...push } = change;
    const asked = { ...push, commit: manifest ?? change.commit, dryRun: true };
    const outcomes = await this.#parts.desk.compare(asked, watcher);
    const past = this.#runs.list().find(({ name, state }) => {
      return state === "over" && name.startsWith(beginsOfPath(change.path));
    });
    const pastMs = past && pushMs(await this.#eventsOf(past.run));
    return { outcomes, ...(pastMs !== undefined && { pastMs }) };
  }

  /** How the end of such a plan is told in the log of events; undefined of any other. */
  async endOf(summary: RunSummary): Promise<NewEvent | undefined> {
    const { run, name, by, counts } = summary;
    if (!isNamedAsFiles(name)) return undefined;
    const plan = await this.#runs.plan(run);
    const change = changeOf(plan);
    if (!change) return undefined;
    const got = new Set<string>();
    for (const event of await this.#eventsOf(run)) {
      if (event.kind !== "task-ended") continue;
      if (event.outcome === "done" || event.outcome === "unchanged") got.add(event.task);
    }
    const missed = tasksOfPlan(plan).flatMap(({ id, where }) =>
      where.kind === "drone" && !got.has(id) ? [where.drone] : [],
    );
    const kind = missed.length === 0 ? "files-pushed" : "files-failed";
    return { kind, by, text: pushedText(change, { by, counts }, missed).slice(0, textChars) };
  }

  async #push(params: PushParams, call: PushCall): Promise<Result<"hub.files-push">> {
    if (params.dryRun) return { drones: (await this.#parts.desk.compare(params, call)).length };
    const { run = freshRunId(this.#parts.world.random) } = params;
    // Told once it is on disk: what is said to be done is done in the hub's next life, too.
    const ends = new Map<string, FilesOutcome>();
    const unwatch = this.#parts.tasks.watch(run, (part) => {
      if ("outcome" in part) ends.set(part.drone, part);
      else call.part(part);
    });
    const letGo: (() => void)[] = [unwatch];
    try {
      letGo.push(await this.#begunOnce(run, params));
      return await this.#lookOn(run, params, { ends, call });
    } finally {
      for (const release of letGo) release();
    }
  }

  /** Who asks twice may do so before the first time has come through. @returns as `#begin` */
  async #begunOnce(run: string, params: PushParams): Promise<() => void> {
    const nothing = () => undefined;
    const beginning = this.#beginning.get(run);
    if (beginning) return beginning.then(() => nothing);
    if (this.#runs.list().some((one) => one.run === run)) return nothing;
    const begun = this.#begin(run, params).finally(() => this.#beginning.delete(run));
    this.#beginning.set(run, begun);
    return begun;
  }

  /** @returns who lets go of the files. @throws NO_DRONE, NO_PLACE, NO_COMMIT, OVERLOADED */
  async #begin(run: string, params: PushParams): Promise<() => void> {
    const { world, fleet, desk, plans } = this.#parts;
    const { target, path, commit, replace, force, by = "somebody" } = params;
    const change: FilesChange = { kind: "files", target, path, commit, replace, force };
    const { plan: value } = planFiles(plannerView(this.#parts, world.clock.now()), change);
    const plan = readPlan({ maker: "the plan of a push", value }, hubCommands);
    const names = new Set(dronesIn(plan).values());
    const letGo = await desk.expect(
      fleet.members.filter(({ name }) => names.has(name)),
      params,
    );
    try {
      await plans().begin(plan, { by, id: run });
      return letGo;
    } catch (thrown) {
      letGo();
      throw thrown;
    }
  }

  /** Until it is over; each drone is told, whenever its end was. */
  async #lookOn(
    run: string,
    { path, commit }: PushParams,
    { ends, call }: { readonly ends: ReadonlyMap<string, FilesOutcome>; readonly call: PushCall },
  ): Promise<Result<"hub.files-push">> {
    const runs = this.#runs;
    const plan = await runs.plan(run);
    const change = changeOf(plan);
    if (change?.path !== path || change.commit !== commit) throw ofAnother(run);
    const drones = dronesIn(plan);
    const told = new Set<string>();
    const tell = (outcome: FilesOutcome) => {
      told.add(outcome.drone);
      call.part(outcome);
    };
    const following = await runs.follow(run, (event) => {
      const drone = event.kind === "task-ended" ? drones.get(event.task) : undefined;
      if (drone === undefined || event.kind !== "task-ended") return;
      tell(ends.get(drone) ?? outcomeOf(drone, event));
    });
    try {
      const summary = await Promise.race([runs.over(run), aborted(call.signal)]);
      if (!summary) throw new PropagitError("LINK_LOST", "nobody looks on any more");
      for (const drone of drones.values()) if (!told.has(drone)) tell(neverRun(drone, summary));
    } finally {
      following.stop();
    }
    await this.#parts.plans().noted(run);
    return { drones: drones.size };
  }

  async #eventsOf(run: string): Promise<readonly RunEvent[]> {
    const events: RunEvent[] = [];
    const following = await this.#runs.follow(run, (event) => void events.push(event));
    following.stop();
    return events;
  }

  /** @throws UNREACHABLE while they are read */
  get #runs(): PlanDesk["runs"] {
    return this.#parts.plans().runs;
  }
}

/** What a plan of files was made of. */
function changeOf({ request }: Plan): FilesChange | undefined {
  return request?.["kind"] === "files" ? (request as unknown as FilesChange) : undefined;
}

/** Drones by the ids of their tasks. */
function dronesIn(plan: Plan): ReadonlyMap<string, string> {
  const tasks = tasksOfPlan(plan);
  return new Map(
    tasks.flatMap(({ id, where }) => (where.kind === "drone" ? [[id, where.drone] as const] : [])),
  );
}

/** Its plan was stopped before. */
function neverRun(drone: string, { outcome, reason }: RunSummary): FilesOutcome {
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    drone,
    outcome: "failed",
    reason: `its turn did not come, the plan is ${outcome}${why}`,
  };
}

function ofAnother(run: string): PropagitError {
  return new PropagitError("EXISTS", `plan ${run} is another one than this push`, {
    hint: "push once more",
  });
}
