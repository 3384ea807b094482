/** All instances of a drone: made equal to what is desired, adopted from an earlier life, ended, left. */
import type { Assignment } from "@propagit/protocol";
import { planOfCommand, planOfNote, planOfService, serviceOf } from "./core/instance-plan.js";
import type { InstancePlan } from "./core/instance-plan.js";
import type { InstanceState, InstanceStep } from "./core/instance-state.js";
import type { DroneSettings } from "./core/options.js";
import { placeOf, reconcile, wantedOf, type Wanted } from "./core/reconcile.js";
import type { DesireBook } from "./desire-book.js";
import { InstanceRunner, type RunnerContext } from "./instance-runner.js";
import type { AdoptedProcess, DroneWorld, Resting, Specified } from "./world.js";

/** As the protocol bounds what a drone reports. */
const instancesMax = 4_000;

export interface InstancesParts {
  readonly world: DroneWorld;
  readonly settings: DroneSettings;
  readonly book: DesireBook;
  readonly context: Omit<RunnerContext, "changed">;
  /** Of one instance, when something of it is another; last when it is no more. */
  readonly changed: (runner: InstanceRunner, step: InstanceStep["done"]) => void;
  /** A service is assigned that its deployment, as it is known here, does not have. */
  readonly unknownService: (deployment: string, service: string) => void;
}

export class Instances {
  readonly #parts: InstancesParts;
  readonly #context: RunnerContext;
  readonly #runners = new Map<string, InstanceRunner>();
  /** Adopted, and not known yet how they are run. */
  readonly #unplanned = new Set<InstanceRunner>();
  /** The newest release that each was wanted for. */
  readonly #releases = new Map<string, number>();
  /** Those that are at rest, as the book has them. */
  readonly #resting = new Set<string>();
  #onEmpty: () => void = () => undefined;

  constructor(parts: InstancesParts) {
    this.#parts = parts;
    const changed = (runner: InstanceRunner, step: InstanceStep["done"]) =>
      this.#changed(runner, step);
    this.#context = { ...parts.context, changed };
  }

  get size(): number {
    return this.#runners.size;
  }

  all(): readonly InstanceRunner[] {
    return [...this.#runners.values()];
  }

  get(process: string): InstanceRunner | undefined {
    return this.#runners.get(process);
  }

  /** Goes on with what an earlier life started. */
  async adopt(): Promise<void> {
    const adopted = await this.#parts.world.processes.adopt();
    for (const one of adopted) await this.#adopt(one);
    for (const rest of this.#parts.book.current?.resting ?? []) this.#resting.add(keyOf(rest));
  }

  /**
   * Starts what is desired and is not there. What is there and not desired is ended when the hub has said so
   * in this life; what it said in an earlier one may be long out of date.
   */
  reconcile({ mayEnd, retry }: { readonly mayEnd: boolean; readonly retry: boolean }): void {
    const assignments = this.#parts.book.current?.assignments ?? [];
    this.#planAdopted();
    const wanted = this.#bounded(wantedOf(assignments, this.#parts.settings.service));
    const { start, stop, keep } = reconcile(wanted, this.all().map(asRunning));
    // Starts come first: what stops at once comes back here for what can be started now.
    for (const one of start) this.#start(one);
    if (mayEnd) for (const process of stop) this.#runners.get(process)?.feed({ kind: "stop" });
    this.#askAgain(keep, assignments, retry);
  }

  /** How a service of a deployment is run; undefined when that is not known. */
  planOf(specified: Specified | undefined, service: string | undefined): InstancePlan | undefined {
    const { settings } = this.#parts;
    if (!specified) return undefined;
    if (settings.command) return planOfCommand(settings.command, settings, specified.config);
    const found = serviceOf(specified.services, service);
    return found && planOfService(found, specified.config, settings);
  }

  /** Resolves once all are gone. */
  endAll(): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const runner of this.all()) runner.feed({ kind: "stop" });
    return this.size === 0 ? Promise.resolve() : empty;
  }

  /** Lets go of all of them; their processes go on. */
  leaveAll(): void {
    for (const runner of this.all()) runner.leave();
    this.#parts.world.processes.leave();
  }

  async #adopt(adopted: AdoptedProcess): Promise<void> {
    const { note, running } = adopted;
    const { settings, context, world } = this.#parts;
    const plan = this.#plan(note.deployment, note.service);
    const identity = identityOf(adopted);
    const runner = new InstanceRunner(this.#context, identity, plan ?? planOfNote(note, settings));
    // A promise that is resolved already wins.
    const isOver = (await Promise.race([running.ended, Promise.resolve(undefined)])) !== undefined;
    this.#runners.set(note.process, runner);
    this.#releases.set(note.process, note.release);
    if (!plan) this.#unplanned.add(runner);
    context.keepPorts(note.process, note.ports);
    world.log.info(`${runner.title}: ${isOver ? "ended meanwhile" : "still runs, adopted"}`);
    runner.adopt(adopted, isOver);
  }

  #planAdopted(): void {
    for (const runner of this.#unplanned) {
      const { deployment, service } = runner.state.identity;
      const plan = this.#plan(deployment, service);
      if (!plan) continue;
      this.#unplanned.delete(runner);
      runner.usePlan(plan);
    }
  }

  #plan(deployment: string, service: string): InstancePlan | undefined {
    return this.planOf(this.#specified(deployment), service);
  }

  #specified(deployment: string): Specified | undefined {
    return this.#parts.book.current?.specifications.find(({ id }) => id === deployment);
  }

  #start({ assignment, service, slot }: Wanted): void {
    if (this.size >= instancesMax) return;
    const specified = this.#specified(assignment.id);
    if (!specified) return;
    const plan = this.planOf(specified, service);
    if (!plan) return this.#parts.unknownService(assignment.id, service);
    const process = this.#parts.world.random.hex(16);
    const { id: deployment, repo, environment, commit, artifact, release } = assignment;
    const place = { process, deployment, repo, environment, commit, artifact, release };
    const runner = new InstanceRunner(this.#context, { ...place, service, slot }, plan);
    this.#runners.set(process, runner);
    this.#releases.set(process, release);
    const rest = this.#restOf(deployment, service, slot, release);
    runner.feed(rest ? { ...rest, kind: "rest" } : { kind: "start" });
  }

  #restOf(deployment: string, service: string, slot: number, release: number): Resting | undefined {
    const all = this.#parts.book.current?.resting ?? [];
    const key = keyOf({ deployment, service, slot });
    return all.find((rest) => keyOf(rest) === key && rest.release >= release);
  }

  /** Those that stay: another release asks for them anew, everything else only tries sooner. */
  #askAgain(
    processes: readonly string[],
    assignments: readonly Assignment[],
    retry: boolean,
  ): void {
    const releases = new Map(assignments.map(({ id, release }) => [id, release]));
    for (const process of processes) {
      const runner = this.#runners.get(process);
      if (!runner) continue;
      const release = releases.get(runner.state.identity.deployment) ?? 0;
      const isAsked = release > (this.#releases.get(process) ?? 0);
      if (isAsked) this.#releases.set(process, release);
      if (isAsked || retry) runner.feed({ kind: "retry", isAsked });
    }
  }

  #changed(runner: InstanceRunner, step: InstanceStep["done"]): void {
    const { life, identity } = runner.state;
    this.#noteRest(runner.state);
    if (life.kind === "stopped") {
      this.#runners.delete(identity.process);
      this.#releases.delete(identity.process);
      this.#unplanned.delete(runner);
    }
    this.#parts.changed(runner, step);
    if (this.size === 0) this.#onEmpty();
  }

  /** What rests shall rest in the next life too. */
  #noteRest({ identity, life }: InstanceState): void {
    const { deployment, service, slot, process } = identity;
    const key = keyOf(identity);
    const isGivenUp = life.kind === "failed" && life.next === "nothing";
    const isResting = isGivenUp || life.kind === "done";
    if (isResting === this.#resting.has(key)) return;
    const { book } = this.#parts;
    if (!isResting) {
      this.#resting.delete(key);
      return book.change((before) => ({
        ...before,
        resting: before.resting.filter((rest) => keyOf(rest) !== key),
      }));
    }
    this.#resting.add(key);
    const rest: Resting = {
      deployment,
      service,
      slot,
      release: this.#releases.get(process) ?? identity.release,
      outcome: life.kind,
      reason: life.reason,
      lastLines: life.kind === "done" ? [] : life.lastLines,
    };
    book.change((before) => ({ ...before, resting: [...before.resting, rest] }));
  }

  #bounded(wanted: readonly Wanted[]): readonly Wanted[] {
    if (wanted.length <= instancesMax) return wanted;
    const text = `${wanted.length} instances are wanted here, and a drone runs ${instancesMax} at most`;
    this.#parts.world.log.warn(`${text}; the others are not started`);
    return wanted.slice(0, instancesMax);
  }
}

function asRunning({ state: { identity, life } }: InstanceRunner) {
  const { process, deployment, service, slot } = identity;
  const isLeaving = life.kind === "stopping" && life.after.kind === "gone";
  return { process, deployment, service, slot, isEnding: isLeaving || life.kind === "stopped" };
}

function identityOf({ note }: AdoptedProcess): InstanceState["identity"] {
  const { process, deployment, repo, environment, commit, artifact, release, service, slot } = note;
  return { process, deployment, repo, environment, commit, artifact, release, service, slot };
}

function keyOf(place: { deployment: string; service: string; slot: number }): string {
  return placeOf(place.deployment, place);
}
