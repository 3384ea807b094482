/**
 * Runs one instance: owns its state, feeds the machine what happens, performs what comes out of it.
 * Every effect ends in an event, so nothing waits for anything here.
 */
import { shortCommit, toPropagitError, type InstanceReport } from "@propagit/protocol";
import type { Timer } from "@propagit/runtime";
import { newInstance, stepInstance, wakeAt } from "./core/instance.js";
import { reportOf } from "./core/instance-report.js";
import type {
  Announced,
  InstanceEffect,
  InstanceEvent,
  InstanceIdentity,
  InstanceRules,
  InstanceState,
  InstanceStep,
} from "./core/instance-state.js";
import { versionOf } from "./core/version.js";
import type { Environment } from "./core/environment.js";
import { untilOpen } from "./readiness.js";
import type { RegistryDesk } from "./registry-desk.js";
import type { CheckedOut, DroneWorld, GitSource, RunningProcess } from "./world.js";

/** What instances of a drone share. */
export interface RunnerContext {
  readonly world: DroneWorld;
  readonly rules: InstanceRules;
  readonly command: readonly string[];
  readonly desk: RegistryDesk;
  readonly drone: () => string;
  readonly host: () => string;
  /** Where to fetch from; waits for the hub. */
  readonly source: (repo: string) => Promise<GitSource>;
  /** A port for an instance: the one it had, when that is free. */
  readonly pickPort: (process: string, wanted: number | undefined) => Promise<number>;
  readonly environment: (identity: InstanceIdentity, folder: string, port: number) => Environment;
  /** The report changed; `step` is what was just done. */
  readonly changed: (runner: InstanceRunner, step: InstanceStep["done"]) => void;
}

/**
 * An app that announces itself is asked whether it really accepts connections there: many register to
 * get a port, and listen a moment later. After this long it is taken at its word (it may speak UDP).
 */
const announcedMsMax = 2_000;

export class InstanceRunner {
  readonly #context: RunnerContext;
  #state: InstanceState;
  #timer: Timer | undefined;
  #abandon = new AbortController();
  #checkedOut: CheckedOut | undefined;
  #running: RunningProcess | undefined;

  constructor(context: RunnerContext, identity: InstanceIdentity) {
    this.#context = context;
    this.#state = newInstance(identity, context.rules, context.world.clock.now());
  }

  get state(): InstanceState {
    return this.#state;
  }

  get report(): InstanceReport {
    return reportOf(this.#state);
  }

  /** `webapp 74336bc`, for people. */
  get title(): string {
    const { repo, commit } = this.#state.identity;
    return `${repo} ${shortCommit(commit)}`;
  }

  feed(event: InstanceEvent): void {
    const { clock, random } = this.#context.world;
    const moment = { now: clock.monotonic(), date: clock.now(), fraction: random.fraction() };
    const before = this.#state;
    const step = stepInstance(before, event, moment);
    this.#state = step.state;
    this.#schedule();
    for (const effect of step.effects) this.#perform(effect);
    if (step.state !== before) this.#context.changed(this, step.done);
  }

  /** The app's own records changed; see `announcedMsMax`. */
  announced(): void {
    const { run } = this.#state;
    if (run) void this.#proveAnnounced(run.number);
  }

  /** The registry is in another place: what was registered is registered there. What was on its way fails and comes back. */
  registerAgain(): void {
    const { run } = this.#state;
    if (run?.record === "held") this.#perform({ kind: "register", run: run.number });
  }

  #perform(effect: InstanceEffect): void {
    switch (effect.kind) {
      case "fetch":
        return this.#do(this.#fetch(), (reason) => ({ kind: "not-fetched", reason }));
      case "check-out":
        return this.#do(this.#checkOut(), (reason) => ({ kind: "not-fetched", reason }));
      case "abandon":
        return this.#abandon.abort();
      case "launch":
        return this.#do(this.#launch(effect.run), (reason) => ({
          ...effect,
          kind: "not-launched",
          reason,
        }));
      case "probe":
        return void this.#probe(effect.run);
      case "register":
        return this.#do(this.#register(effect.run), (reason) => ({
          ...effect,
          kind: "not-registered",
          reason,
        }));
      case "free":
        return void this.#free(effect.run);
      case "read-output":
        return void this.#readOutput(effect.run);
      case "terminate":
        return this.#running?.signal("SIGTERM");
      case "kill":
        return this.#running?.signal("SIGKILL");
      default:
        return effect satisfies never;
    }
  }

  /** Work whose failure is an event of its own. */
  #do(work: Promise<void>, failure: (reason: string) => InstanceEvent): void {
    work.catch((thrown: unknown) => this.feed(failure(toPropagitError(thrown).message)));
  }

  async #fetch(): Promise<void> {
    const { world, source } = this.#context;
    const { repo, commit } = this.#state.identity;
    this.#abandon = new AbortController();
    await world.commits.fetch({ repo, commit }, () => source(repo), this.#abandon.signal);
    this.feed({ kind: "fetched" });
  }

  async #checkOut(): Promise<void> {
    const { world } = this.#context;
    const { repo, commit } = this.#state.identity;
    this.#checkedOut = await world.commits.checkOut({ repo, commit }, this.#abandon.signal);
    this.feed({ kind: "checked-out" });
  }

  async #launch(run: number): Promise<void> {
    const { world, command, pickPort, environment } = this.#context;
    const { identity } = this.#state;
    // Again, as somebody may have cleaned up since: what is there is only looked at.
    this.#checkedOut = await world.commits.checkOut(identity, this.#abandon.signal);
    const { folder } = this.#checkedOut;
    const port = await pickPort(identity.process, this.#state.port);
    const running = await world.processes.launch({
      ...identity,
      command,
      folder,
      environment: environment(identity, folder, port),
    });
    this.#running = running;
    this.feed({ kind: "launched", run, pid: running.pid, port });
    void this.#awaitEnd(run, running);
  }

  async #awaitEnd(run: number, running: RunningProcess): Promise<void> {
    const end = await running.ended;
    this.#running = undefined;
    this.#context.desk.outlive(this.#state.identity.process);
    this.feed({ kind: "exited", run, ...end });
  }

  async #proveAnnounced(run: number): Promise<void> {
    const { world, host } = this.#context;
    const deadline = world.clock.monotonic() + announcedMsMax;
    await untilOpen(world, host(), {
      ports: () => this.#unproven(),
      isWanted: () => this.#state.run?.number === run && world.clock.monotonic() < deadline,
    });
    this.feed({ kind: "announced", run, records: this.#announcements() });
  }

  /** Ports of records that are new. */
  #unproven(): readonly number[] {
    const known = this.#state.run?.announced ?? [];
    const ports = this.#announcements().map(({ port }) => port);
    return ports.filter((port) => !known.some((record) => record.port === port));
  }

  /** Those that the app made itself and that still hold. */
  #announcements(): readonly Announced[] {
    return this.#context.desk.announced(this.#state.identity.process);
  }

  async #probe(run: number): Promise<void> {
    const { world, host } = this.#context;
    const { port } = this.#state;
    if (port === undefined) return;
    const isOpen = await untilOpen(world, host(), {
      ports: () => [port],
      isWanted: () => this.#isProbing(run),
    });
    if (isOpen) this.feed({ kind: "opened", run });
  }

  /** An app that has announced itself needs no record of the drone's. */
  #isProbing(number: number): boolean {
    const { run, life } = this.#state;
    const isSilent = run?.announcesItself === false && this.#announcements().length === 0;
    return run?.number === number && isSilent && life.kind !== "stopping";
  }

  async #register(run: number): Promise<void> {
    const { desk, world } = this.#context;
    const { port, identity } = this.#state;
    if (port === undefined) return;
    const { version, warning } = versionOf(this.#checkedOut?.manifest);
    if (warning !== undefined) world.log.warn(`${this.title}: ${warning}`);
    const { process, service, commit } = identity;
    const [drone, host] = [this.#context.drone(), this.#context.host()];
    await desk.register({ process, drone, service, version, commit, host, port });
    this.feed({ kind: "registered", run });
  }

  async #free(run: number): Promise<void> {
    const { desk, world } = this.#context;
    try {
      await desk.free(this.#state.identity.process);
    } catch (thrown) {
      // The lease ends it, a little later.
      world.log.warn(`${this.title}: its record was not freed: ${toPropagitError(thrown).message}`);
    }
    this.feed({ kind: "freed", run });
  }

  async #readOutput(run: number): Promise<void> {
    const lastLines = await this.#running?.lastLines().catch(() => []);
    this.feed({ kind: "said", run, lastLines: lastLines ?? [] });
  }

  #schedule(): void {
    const { clock } = this.#context.world;
    this.#timer?.cancel();
    const at = wakeAt(this.#state);
    if (at === undefined) return;
    this.#timer = clock.after(Math.max(0, at - clock.monotonic()), () =>
      this.feed({ kind: "tick" }),
    );
  }
}
