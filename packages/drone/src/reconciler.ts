/**
 * Makes what runs here equal to what the hub said last: on disk, by instances, by files of commits. What is
 * not known of it (how a deployment is run) is asked for.
 */
import type { Assignment, Telling } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import type { InstanceStep } from "./core/instance-state.js";
import type { DroneSettings } from "./core/options.js";
import { checkTold, withTold } from "./core/told.js";
import { CommitKeeper } from "./commit-keeper.js";
import { DesireBook } from "./desire-book.js";
import type { InstanceRunner, RunnerContext } from "./instance-runner.js";
import { Instances } from "./instances.js";
import { Specifications } from "./specifications.js";
import type { CommitName, DroneWorld, Joined, Specified } from "./world.js";

export interface ReconcilerParts {
  readonly world: DroneWorld;
  readonly settings: DroneSettings;
  /** The hub, as soon as it is there. @throws UNREACHABLE */
  readonly hub: () => Promise<Conversation>;
  readonly context: Omit<RunnerContext, "changed">;
  /** Of one instance, when something of it is another; last when it is no more. */
  readonly changed: (runner: InstanceRunner, step: InstanceStep["done"]) => void;
  /** Commits that something else here needs. */
  readonly commitsInUse: () => readonly CommitName[];
  /** Told which commits stay on disk. */
  readonly keeps: (names: readonly CommitName[]) => void;
}

export class Reconciler {
  readonly instances: Instances;
  readonly #parts: ReconcilerParts;
  readonly #book: DesireBook;
  readonly #specifications: Specifications;
  readonly #commits: CommitKeeper;
  /** What the hub has said in this life; before, nothing is ended that an earlier life left. */
  #told: readonly Assignment[] | undefined;
  #isPlanned = false;
  #isStopping = false;

  constructor(parts: ReconcilerParts) {
    const { world, settings, hub, context, changed } = parts;
    this.#parts = parts;
    this.#book = new DesireBook(world, () => this.reconcile("leave alone"));
    this.#specifications = new Specifications({
      world,
      hub,
      found: (specified) => this.#found(specified),
    });
    this.instances = new Instances({
      world,
      settings,
      context,
      changed,
      book: this.#book,
      unknownService: (deployment, service) => this.#askForService(deployment, service),
    });
    this.#commits = new CommitKeeper(world, () => this.#commitsInUse(), parts.keeps);
  }

  /** How a hub took the drone in; undefined when none ever did. */
  get joined(): Joined | undefined {
    return this.#book.current?.joined;
  }

  /** What an earlier life was told. */
  async load(): Promise<Joined | undefined> {
    await this.#book.load();
    return this.joined;
  }

  /** A hub took the drone in; what another hub wanted is nothing to this one. */
  follow(joined: Joined): void {
    if (joined.hub !== this.joined?.hub) {
      this.#book.change((before) => ({ ...before, assignments: [], keep: [] }));
    }
    this.#book.joined(joined);
  }

  /** On disk first; what is written then makes it happen. */
  take(assign: Telling<"drone.assign">): void {
    const told = checkTold(assign);
    for (const reason of told.refused) this.#parts.world.log.warn(`not run: ${reason}`);
    this.#told = told.assignments;
    this.#specifications.askAnew();
    this.#book.change((before) => withTold(before, told));
    this.reconcile("retry");
  }

  reconcile(kept: "retry" | "leave alone"): void {
    const { current } = this.#book;
    if (this.#isStopping || !current) return;
    const known = new Set(current.specifications.map(({ id }) => id));
    const assigned = current.assignments.map(({ id }) => id);
    this.#specifications.want(assigned, known);
    this.instances.reconcile({ mayEnd: this.#isTold(), retry: kept === "retry" });
    this.tidySoon();
  }

  /** Something on disk may be of no use any more. */
  tidySoon(): void {
    if (this.#isTold()) this.#commits.tidySoon();
  }

  /** Many instances that end at once are one occasion. */
  reconcileSoon(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#parts.world.clock.after(0, () => {
      this.#isPlanned = false;
      this.reconcile("leave alone");
    });
  }

  /** A deployment that the drone runs is known; of others (a build, a test) the hub is asked. */
  async specified(id: string): Promise<Specified> {
    const known = this.#book.current?.specifications.find((specified) => specified.id === id);
    return known ?? this.#specifications.ask(id);
  }

  /** Nothing is started or asked for any more. */
  stop(): void {
    this.#isStopping = true;
    this.#specifications.want([], new Set());
  }

  /** Resolves once nothing is being written. */
  flushed(): Promise<void> {
    return this.#book.flushed();
  }

  /** Whether what counts now is what the hub said in this life. */
  #isTold(): boolean {
    return this.#told !== undefined && this.#book.current?.assignments === this.#told;
  }

  #found(specified: Specified): void {
    this.#book.change((before) => {
      const others = before.specifications.filter(({ id }) => id !== specified.id);
      return { ...before, specifications: [...others, specified] };
    });
  }

  #askForService(deployment: string, service: string): void {
    if (!this.#specifications.doubt(deployment)) return;
    this.#parts.world.log.warn(
      `deployment ${deployment} has no service ${service}; asking the hub again`,
    );
    this.reconcileSoon();
  }

  /** Commits that stay on disk; undefined while the hub has not said what it keeps. */
  #commitsInUse(): readonly CommitName[] | undefined {
    const { current } = this.#book;
    if (!current || !this.#isTold()) return undefined;
    const identities = this.instances.all().map(({ state }) => state.identity);
    const places = [...current.assignments, ...identities].flatMap(({ repo, commit, artifact }) => [
      { repo, commit },
      { repo, commit: artifact },
    ]);
    return [...current.keep, ...places, ...this.#parts.commitsInUse()];
  }
}
