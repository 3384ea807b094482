/**
 * Runs one instance: owns its state, feeds the machine what happens, performs what comes out of it.
 * Every effect ends in an event, so nothing waits for anything here.
 */
import {
  formatAddress,
  PropagitError,
  shortCommit,
  toPropagitError,
  type InstanceReport,
} from "@propagit/protocol";
import type { Clock, Timer } from "@propagit/runtime";
import type { Environment } from "./core/environment.js";
import { newInstance, stepInstance, wakeAt } from "./core/instance.js";
import type { InstancePlan } from "./core/instance-plan.js";
import { reportOf } from "./core/instance-report.js";
import type {
  Announced,
  InstanceEffect,
  InstanceEvent,
  InstanceIdentity,
  InstanceRules,
  InstanceState,
  InstanceStep,
  PortNumbers,
} from "./core/instance-state.js";
import { versionOf } from "./core/version.js";
import { runHealthCheck } from "./health-check.js";
import { untilOpen } from "./readiness.js";
import { InstanceRecords } from "./instance-records.js";
import type { RegistryDesk } from "./registry-desk.js";
import type {
  AdoptedProcess,
  CheckedOut,
  DroneWorld,
  GitSource,
  InstanceNote,
  RunningProcess,
} from "./world.js";

/** What instances of a drone share. */
export interface RunnerContext {
  readonly world: DroneWorld;
  readonly desk: RegistryDesk;
  readonly drone: () => string;
  /** Its place, by its label of that name. */
  readonly zone: string | undefined;
  readonly host: string;
  /** Where to fetch from; waits for the hub. */
  readonly source: (repo: string) => Promise<GitSource>;
  readonly pickPorts: (
    process: string,
    rules: InstanceRules["ports"],
    former: PortNumbers,
  ) => Promise<PortNumbers>;
  /** They belong to a process of an earlier life. */
  readonly keepPorts: (process: string, ports: PortNumbers) => void;
  readonly environment: (
    identity: InstanceIdentity,
    plan: InstancePlan,
    place: { readonly folder: string; readonly ports: PortNumbers },
  ) => Environment;
  /** Resolves when proxies have nothing under way to these addresses, or nobody can say; at most so late. */
  readonly drained: (addresses: readonly string[], waitMs: number) => Promise<void>;
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
  readonly #records: InstanceRecords;
  #plan: InstancePlan;
  #state: InstanceState;
  #timer: Timer | undefined;
  #abandon = new AbortController();
  #checkedOut: CheckedOut | undefined;
  #running: RunningProcess | undefined;
  #note: InstanceNote | undefined;
  /** Where the last check was answered. */
  #checkHost: string | undefined;
  #isLeft = false;

  constructor(context: RunnerContext, identity: InstanceIdentity, plan: InstancePlan) {
    this.#context = context;
    this.#plan = plan;
    this.#records = new InstanceRecords(context, identity.process);
    this.#state = newInstance(identity, plan.rules, context.world.clock.now());
  }

  get state(): InstanceState {
    return this.#state;
  }

  get report(): InstanceReport {
    return reportOf(this.#state);
  }

  /** What the next life would know; undefined while there is no process. */
  get note(): InstanceNote | undefined {
    return this.#running && this.#note;
  }

  /** `webapp 74336bc web.1`, for people. */
  get title(): string {
    const { repo, commit, service, slot } = this.#state.identity;
    return `${repo} ${shortCommit(commit)} ${service}.${slot}`;
  }

  feed(event: InstanceEvent): void {
    if (this.#isLeft) return;
    const { clock, random } = this.#context.world;
    const moment = { now: clock.monotonic(), date: clock.now(), fraction: random.fraction() };
    const before = this.#state;
    const step = stepInstance(before, event, moment);
    this.#state = step.state;
    this.#schedule();
    for (const effect of step.effects) this.#perform(effect);
    const isReady = step.state.life.kind === "ready";
    if (isReady && this.#note?.wasReady === false) void this.#remember({ wasReady: true });
    if (step.state !== before) this.#context.changed(this, step.done);
  }

  /** Goes on with a process of an earlier life; `isOver` when it ended meanwhile. */
  adopt({ note, running }: AdoptedProcess, isOver: boolean): void {
    const { ports, restarts, wasReady, records } = note;
    this.#running = running;
    this.#note = note;
    this.#records.adopt(records);
    const hasRecords = records.length > 0;
    const { pid } = running;
    this.feed({ kind: "adopted", pid, ports, restarts, wasReady, hasRecords, isOver });
    void this.#awaitEnd(this.#state.runs, running);
  }

  /** How it is to be run was learned only now. */
  usePlan(plan: InstancePlan): void {
    this.#plan = plan;
    this.feed({ kind: "rules", rules: plan.rules });
  }

  /** Nothing happens any more: the process goes on without this drone. */
  leave(): void {
    this.#isLeft = true;
    this.#timer?.cancel();
    this.#abandon.abort();
  }

  /** The app's own records changed; see `announcedMsMax`. */
  announced(): void {
    const { run } = this.#state;
    if (run) void this.#proveAnnounced(run.number);
  }

  /** The lease is another one: what was registered is registered under it. What was on its way fails and comes back. */
  async registerAgain(): Promise<void> {
    const { run } = this.#state;
    if (run?.record !== "held") return;
    await this.#register(run.number).catch((thrown: unknown) => {
      const { message } = toPropagitError(thrown);
      this.#context.world.log.warn(`${this.title}: not registered again: ${message}`);
    });
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
      case "drain":
        return void this.#drain(effect);
      case "check":
        return void this.#check(effect.run);
      case "read-output":
        return void this.#readOutput(effect.run);
      case "terminate":
        return this.#running?.signal(this.#plan.rules.stop.signal);
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
    const { repo } = this.#state.identity;
    this.#abandon = new AbortController();
    await world.commits.fetch(this.#files, () => source(repo), this.#abandon.signal);
    this.feed({ kind: "fetched" });
  }

  async #checkOut(): Promise<void> {
    const { commits } = this.#context.world;
    this.#checkedOut = await commits.checkOut(this.#files, this.#abandon.signal);
    this.feed({ kind: "checked-out" });
  }

  /** What is checked out: the build's output, or the commit itself. */
  get #files(): { readonly repo: string; readonly commit: string } {
    const { repo, artifact } = this.#state.identity;
    return { repo, commit: artifact };
  }

  async #launch(run: number): Promise<void> {
    const { world, pickPorts } = this.#context;
    const { identity, ports: former, restarts } = this.#state;
    const { rules, limits, command } = this.#plan;
    if (command.length === 0) {
      const reason = "how it is run is not known here, and the hub has not said it yet";
      throw new PropagitError("DEPLOY_FAILED", reason);
    }
    // Again, as somebody may have cleaned up since: what is there is only looked at.
    this.#checkedOut = await world.commits.checkOut(this.#files, this.#abandon.signal);
    const ports = await pickPorts(identity.process, rules.ports, former);
    const startedAt = world.clock.now();
    const note = { ...identity, ports, restarts, records: [], wasReady: false, startedAt };
    const request = { ...this.#commandIn(this.#checkedOut, ports), note, limits };
    if (this.#isLeft) return;
    const running = await world.processes.launch(request);
    this.#running = running;
    this.#note = note;
    this.feed({ kind: "launched", run, pid: running.pid, ports });
    void this.#awaitEnd(run, running);
  }

  /** The plan's command with folder and environment. */
  #commandIn({ folder: checkout }: CheckedOut, ports: PortNumbers) {
    const { command, user, cwd } = this.#plan;
    const place = { folder: checkout, ports };
    const variables = this.#context.environment(this.#state.identity, this.#plan, place);
    const folder = cwd === undefined ? checkout : `${checkout}/${cwd}`;
    return { command, folder, variables, user };
  }

  async #awaitEnd(run: number, running: RunningProcess): Promise<void> {
    const end = await running.ended;
    this.#running = undefined;
    if (this.#records.outlive() === "some are left") void this.#free(run);
    this.feed({ kind: "exited", run, ...end });
  }

  async #proveAnnounced(run: number): Promise<void> {
    const { world, host } = this.#context;
    const deadline = world.clock.monotonic() + announcedMsMax;
    await untilOpen(world, host, {
      ports: () => this.#unproven(),
      isWanted: () => this.#isCurrent(run) && world.clock.monotonic() < deadline,
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
    return this.#records.announced();
  }

  async #probe(run: number): Promise<void> {
    const { world, host } = this.#context;
    const isOpen = await untilOpen(world, host, {
      ports: () => Object.values(this.#state.ports),
      isWanted: () => this.#isProbing(run),
    });
    if (isOpen) this.feed({ kind: "opened", run });
  }

  /** An app that has announced itself needs no record of the drone's. */
  #isProbing(number: number): boolean {
    const { run, life } = this.#state;
    const isSilent = run?.announcesItself === false && this.#announcements().length === 0;
    return this.#isCurrent(number) && isSilent && life.kind !== "stopping";
  }

  #isCurrent(number: number): boolean {
    return !this.#isLeft && this.#state.run?.number === number;
  }

  async #register(run: number): Promise<void> {
    const { world, host } = this.#context;
    const { version, warning } = versionOf(await this.#manifest());
    if (warning !== undefined) world.log.warn(`${this.title}: ${warning}`);
    const places = this.#records.placesOf(this.#state);
    await this.#remember({ records: places.map(({ id }) => id) });
    if (!this.#isCurrent(run) || this.#state.run?.record === "none") return;
    await this.#records.register(this.#state.identity, { version, host, places });
    this.feed({ kind: "registered", run });
  }

  /** Of an adopted process nobody has looked at the files yet. */
  async #manifest(): Promise<string | undefined> {
    const { commits } = this.#context.world;
    const checkedOut = () => commits.checkOut(this.#files, this.#abandon.signal);
    this.#checkedOut ??= await checkedOut().catch(() => undefined);
    return this.#checkedOut?.manifest;
  }

  async #free(run: number): Promise<void> {
    const { world } = this.#context;
    try {
      await this.#records.free();
    } catch (thrown) {
      // The lease ends it, a little later.
      world.log.warn(`${this.title}: its record was not freed: ${toPropagitError(thrown).message}`);
    }
    this.feed({ kind: "freed", run });
  }

  async #drain({ run, waitMs }: { readonly run: number; readonly waitMs: number }): Promise<void> {
    const { world, host, drained } = this.#context;
    const ports = Object.values(this.#state.ports);
    const places = [...this.#records.announced(), ...ports.map((port) => ({ host, port }))];
    const addresses = [...new Set(places.map(formatAddress))];
    await Promise.all([drained(addresses, waitMs), pause(world.clock, this.#plan.rules.drainMs)]);
    this.feed({ kind: "drained", run });
  }

  async #check(run: number): Promise<void> {
    const { world, host } = this.#context;
    const { ports, rules } = this.#state;
    if (!rules.health) return;
    const hosts = [...new Set([this.#checkHost ?? host, host, "127.0.0.1", "::1"])];
    const answer = await runHealthCheck(world.checks, rules.health, {
      hosts,
      port: rules.ports[0] && ports[rules.ports[0].name],
      inPlace: async (command) => {
        this.#checkedOut ??= await world.commits.checkOut(this.#files, this.#abandon.signal);
        return { ...this.#commandIn(this.#checkedOut, ports), command };
      },
    });
    this.#checkHost = answer.host;
    this.feed({ kind: "checked", run, ok: answer.ok, reason: answer.reason });
  }

  async #readOutput(run: number): Promise<void> {
    const lastLines = await this.#running?.lastLines().catch(() => []);
    this.feed({ kind: "said", run, lastLines: lastLines ?? [] });
  }

  /** For the next life; without it that one would know a little less. */
  async #remember(change: Partial<InstanceNote>): Promise<void> {
    const running = this.#running;
    if (!running || !this.#note) return;
    this.#note = { ...this.#note, ...change };
    await running.remember(this.#note).catch((thrown: unknown) => {
      this.#context.world.log.warn(`${this.title}: not noted: ${toPropagitError(thrown).message}`);
    });
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

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
