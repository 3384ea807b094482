/**
 * The daemon: one connection to the hub, and the instances that it should run.
 *
 * What should run is the hub's to say (`drone.assign` is the whole truth each time), what does run is the
 * drone's (`hub.join` carries every report). So a message that is lost never matters, and a hub that is
 * away changes nothing: instances run on, and what was said last is on disk for the drone's next life.
 */
import {
  assert,
  formatAddress,
  PropagitError,
  toPropagitError,
  type Result,
  type Telling,
} from "@propagit/protocol";
import {
  isSameAddress,
  Link,
  sessionPaths,
  within,
  type Conversation,
  type LinkState,
} from "@propagit/runtime";
import type { Environment } from "./core/environment.js";
import type { InstanceStep } from "./core/instance-state.js";
import { joinReports } from "./core/join-reports.js";
import { isLasting, isRefusal } from "./core/refusal.js";
import { contextOf } from "./drone-context.js";
import { untilDrained } from "./drained.js";
import { DroneLog } from "./drone-log.js";
import {
  introductionOf,
  type CommandPlace,
  type DroneContext,
  type DronePart,
  type MakePart,
} from "./drone-part.js";
import { HubReports } from "./hub-reports.js";
import { HubWays } from "./hub-ways.js";
import type { InstanceRunner } from "./instance-runner.js";
import type { Instances } from "./instances.js";
import { LaunchPad, type LaunchPadParts } from "./launch-pad.js";
import { Reconciler } from "./reconciler.js";
import { RegistryDesk } from "./registry-desk.js";
import { restartAll } from "./rolling-restart.js";
import type { DroneWorld, GitSource, Joined } from "./world.js";

export interface DroneConfig extends LaunchPadParts {
  /** 32 hex characters: who this drone is across its lives. */
  readonly identity: string;
  /** Version of this software. */
  readonly version: string;
  /** What answers the hub's other calls. */
  readonly parts: readonly MakePart[];
}

/** What becomes of the instances when the drone ends. */
export interface DroneEnd {
  readonly instances: "keep" | "stop";
}

/** Bound on waiting for the hub when a commit must be fetched; later the machine tries again. */
const hubMsMax = 10_000;
/** Added to an instance's own bounds when the drone waits for all of them to end. */
const endMarginMs = 8_000;
const leaveMsMax = 2_000;
/** Of the drone's records, for a hub that does not say it. */
const timeoutMsDefault = 30_000;
/** The shortest and longest life that a lease can have. */
const [leaseMsMin, leaseMsMax] = [1_000, 3_600_000];

export class Drone {
  /** Resolves when it is over: with nothing after `stop`, with the error when the hub refused it. */
  readonly ended: Promise<PropagitError | undefined>;
  /** Resolves once the hub answered or could not be reached; rejects when it refused. */
  readonly met: Promise<void>;

  readonly #world: DroneWorld;
  readonly #config: DroneConfig;
  readonly #reconciler: Reconciler;
  readonly #desk: RegistryDesk;
  readonly #pad: LaunchPad;
  readonly #ways: HubWays;
  readonly #reports = new HubReports();
  readonly #log: DroneLog;
  readonly #parts: readonly DronePart[];
  readonly #watchers = new Set<(runner: InstanceRunner) => void>();
  readonly #startedAt: number;
  readonly #begun: Promise<void>;
  #link: Link | undefined;
  #name: string;
  /** The connection of the last join, and the newest telling that came on it. */
  #conversation: Conversation | undefined;
  #revision = 0;
  /** Told before the answer to the join was looked at. */
  #early: Telling<"drone.assign"> | undefined;
  /** The hub took the drone in on this connection, and is the one whose instances run here. */
  #isFollowing = false;
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #resolveEnded!: (error: PropagitError | undefined) => void;
  #resolveMet!: () => void;
  #rejectMet!: (error: PropagitError) => void;

  constructor(world: DroneWorld, config: DroneConfig) {
    this.#world = world;
    this.#config = config;
    this.#name = config.settings.name;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.met = new Promise((resolve, reject) => {
      this.#resolveMet = resolve;
      this.#rejectMet = reject;
    });
    this.met.catch(() => undefined);
    this.#startedAt = world.clock.monotonic();
    this.#log = new DroneLog(world);
    this.#pad = new LaunchPad(world, config);
    this.#ways = new HubWays(config.settings);
    this.#desk = this.#makeDesk();
    this.#reconciler = this.#makeReconciler();
    this.#begun = this.#begin();
    const context = this.#makeContext();
    this.#parts = config.parts.map((make) => make(context));
  }

  /** The name that the hub knows it by. */
  get name(): string {
    return this.#name;
  }

  get #instances(): Instances {
    return this.#reconciler.instances;
  }

  /** Ends all instances and frees their records, or leaves them to the next life; says goodbye to the hub. */
  stop(end: DroneEnd = { instances: "stop" }): Promise<void> {
    this.#stopped ??= this.#end(undefined, end);
    return this.#stopped;
  }

  /** What an earlier life left comes first, so that the hub hears of it at once. */
  async #begin(): Promise<void> {
    try {
      const joined = await this.#reconciler.load();
      await this.#desk.load();
      this.#name = joined?.drone ?? this.#name;
      this.#ways.take(joined?.ways);
      await this.#instances.adopt();
      if (joined) this.#useRegistry(joined);
      this.#reconciler.reconcile("leave alone");
      if (this.#isStopping) return;
      this.#link = this.#makeLink();
      this.#ways.follow(this.#link);
    } catch (thrown) {
      const error = toPropagitError(thrown);
      this.#stopped ??= this.#end(error, { instances: "keep" });
    }
  }

  async #join(conversation: Conversation): Promise<void> {
    const { settings, identity, host, version } = this.#config;
    this.#conversation = conversation;
    [this.#revision, this.#early, this.#isFollowing] = [0, undefined, false];
    const instances = joinReports(this.#instances.all().map((runner) => runner.report));
    const answer = await conversation.call("hub.join", {
      identity,
      name: settings.name,
      labels: { ...settings.labels },
      ...(settings.service !== undefined && { service: settings.service }),
      host,
      version,
      instances,
      ways: true,
      ...introductionOf(this.#parts),
    });
    this.#follow(answer);
    this.#reports.joined(conversation, instances);
    for (const part of this.#parts) part.joined?.(conversation);
    for (const runner of this.#instances.all()) this.#reports.say(runner.report);
    this.#reports.forgetOthers(this.#instances.all().map(({ state }) => state.identity.process));
    if (this.#early) this.#reconciler.take(this.#early);
    this.#reconciler.reconcile("retry");
  }

  /**
   * Believes this hub, unless it is another one than the one that wanted what runs here: a hub that lost
   * its data wants nothing, and that is no reason to stop anything. @throws HUB_CHANGED
   */
  #follow(answer: Result<"hub.join">): void {
    const { name, hub, registry, timeoutMs = timeoutMsDefault, ways = [] } = answer;
    const former = this.#reconciler.joined?.hub;
    const { size } = this.#instances;
    if (hub !== undefined && former !== undefined && hub !== former && size > 0) {
      const running = `${size} instances run here that it knows nothing of`;
      throw new PropagitError("HUB_CHANGED", `this is another hub than before, and ${running}`);
    }
    const joined: Joined = { drone: name, hub: hub ?? former, registry, timeoutMs, ways };
    this.#name = name;
    this.#ways.take(ways);
    this.#reconciler.follow(joined);
    this.#isFollowing = true;
    this.#useRegistry(joined);
  }

  #useRegistry({ registry, timeoutMs }: Joined): void {
    const { credential } = this.#config;
    const { address, ...ways } = this.#ways.registry(registry);
    const moved = this.#desk.use(address, {
      credential,
      ...ways,
      acceptsOpen: registry.open,
      ttlMs: Math.min(Math.max(timeoutMs, leaseMsMin), leaseMsMax),
    });
    if (moved) this.#world.log.info(`the registry is at ${formatAddress(address)} now`);
  }

  #hearWays(ways: readonly string[]): void {
    this.#ways.take(ways);
    const { joined } = this.#reconciler;
    if (joined) this.#reconciler.follow({ ...joined, ways });
  }

  #hearAssign(told: Telling<"drone.assign">, from: Conversation): void {
    if (from !== this.#conversation || told.revision < this.#revision) return;
    this.#revision = told.revision;
    // It may come before the answer to the join has been looked at.
    if (this.#isFollowing) this.#reconciler.take(told);
    else this.#early = told;
  }

  #changed(runner: InstanceRunner, step: InstanceStep["done"]): void {
    const { process } = runner.state.identity;
    this.#reports.say(runner.report, step);
    this.#log.tellInstance(runner, step);
    for (const watch of this.#watchers) watch(runner);
    if (runner.state.life.kind !== "stopped") return;
    this.#pad.ports.release(process);
    this.#reports.gone(process);
    this.#reconciler.reconcileSoon();
  }

  #linkChanged(state: LinkState): void {
    for (const part of this.#parts) part.linkChanged?.(state);
    if (state.kind === "up") {
      this.#log.cameUp(this.#name, this.#ways.upstream);
      this.#resolveMet();
      return;
    }
    if (state.kind !== "waiting") return;
    this.#reports.lost();
    const { code } = state.reason;
    const triedMs = this.#world.clock.monotonic() - this.#startedAt;
    // What is no hub any more, or another one's relay, at an address of an earlier life says nothing.
    const isHub = isSameAddress(state.address, this.#config.settings.hub);
    if (!state.again && isHub && isLasting(code, triedMs)) {
      // Who is refused at the door has no say about what an earlier life was told to run.
      this.#stopped ??= this.#end(PropagitError.fromData(state.reason), { instances: "keep" });
      return;
    }
    this.#log.away(state, state.address);
    if (!isHub || !isRefusal(code)) this.#resolveMet();
  }

  async #end(refusal: PropagitError | undefined, { instances }: DroneEnd): Promise<void> {
    const keeps = instances === "keep";
    this.#isStopping = true;
    this.#reconciler.stop();
    if (refusal) this.#rejectMet(refusal);
    else await this.#begun;
    const how = keeps ? "leave" : "end";
    await Promise.allSettled(this.#parts.map(async (part) => part.stop?.(how)));
    // Where nothing runs there is nothing to wait for.
    const running = keeps && this.#instances.size > 0;
    if (keeps) this.#instances.leaveAll();
    else await this.#endInstances();
    if (this.#reports.isJoined && this.#link) {
      const leave = this.#link.call("hub.leave", { running }, { limitMs: leaveMsMax });
      await leave.catch(() => undefined);
    }
    this.#link?.stop();
    this.#rejectMet(refusal ?? new PropagitError("LINK_LOST", "the drone was stopped"));
    const closed = this.#desk.close({ keepLease: keeps });
    await within(this.#world.clock, leaveMsMax, "the registry", closed).catch(() => undefined);
    await this.#reconciler.flushed();
    this.#resolveEnded(refusal);
  }

  async #endInstances(): Promise<void> {
    const rules = this.#instances.all().map(({ state }) => state.rules);
    // Draining may take as long as the stop itself.
    const slowest = rules.map(({ stop, drainMs }) => 2 * stop.deadlineMs + drainMs);
    const limitMs = Math.max(0, ...slowest) + endMarginMs;
    const ended = this.#instances.endAll();
    await within(this.#world.clock, limitMs, "ending the instances", ended).catch(
      (thrown: unknown) => this.#world.log.warn(toPropagitError(thrown).message),
    );
  }

  #makeLink(): Link {
    const { settings, credential } = this.#config;
    const restart = {
      clock: this.#world.clock,
      instance: (process: string) => this.#instances.get(process),
      onChange: (action: (runner: InstanceRunner) => void) => {
        this.#watchers.add(action);
        return { stop: () => void this.#watchers.delete(action) };
      },
    };
    const queries = this.#parts.flatMap(({ query }) => query ?? []);
    return new Link(this.#world, {
      address: settings.hub,
      ways: () => this.#ways.all,
      path: sessionPaths.hub,
      ...(queries.length > 0 && { query: () => queries.map((query) => query()).join("&") }),
      role: "drone",
      credential,
      acceptsOpen: settings.secret === undefined,
      handlers: {
        ...Object.assign({}, ...this.#parts.map(({ handlers }) => handlers)),
        "drone.restart": (params, { signal, part }) => restartAll(restart, params, signal, part),
      },
      tellingHandlers: {
        ...Object.assign({}, ...this.#parts.map((part) => part.tellingHandlers)),
        "drone.assign": (told, from) => this.#hearAssign(told, from),
        "drone.ways": ({ ways }) => this.#hearWays(ways),
      },
      introduce: (conversation) => this.#join(conversation),
      changed: (state) => this.#linkChanged(state),
    });
  }

  #makeDesk(): RegistryDesk {
    return new RegistryDesk(this.#world, {
      announced: (process) => this.#instances.get(process)?.announced(),
      announcesItself: (process) =>
        this.#instances.get(process)?.state.run?.announcesItself ?? false,
      name: () => this.#name,
      registerAll: () => Promise.all(this.#instances.all().map((runner) => runner.registerAgain())),
    });
  }

  #makeReconciler(): Reconciler {
    const { host, settings } = this.#config;
    return new Reconciler({
      world: this.#world,
      settings,
      hub: () => this.#hub(),
      context: {
        world: this.#world,
        desk: this.#desk,
        drone: () => this.#name,
        zone: settings.labels["zone"],
        host,
        source: (repo) => this.#source(repo),
        pickPorts: (process, rules, former) => this.#pad.ports.pick(process, rules, former),
        drained: (addresses, waitMs) =>
          untilDrained({ clock: this.#world.clock, hub: () => this.#hub() }, addresses, waitMs),
        keepPorts: (process, ports) => this.#pad.ports.keep(process, ports),
        environment: (identity, plan, place) =>
          this.#environment({ identity, plan, ...place, variables: {} }),
      },
      changed: (runner, step) => this.#changed(runner, step),
      commitsInUse: () => this.#parts.flatMap((part) => part.commitsInUse?.() ?? []),
      keeps: (names) => this.#parts.forEach((part) => part.keeps?.(names)),
    });
  }

  #makeContext(): DroneContext {
    return contextOf({
      world: this.#world,
      name: () => this.#name,
      host: this.#config.host,
      hub: (limitMs) => this.#hub(limitMs),
      upstream: () => this.#ways.upstream,
      source: (repo) => this.#source(repo),
      environment: (place) => this.#environment(place),
      reconciler: this.#reconciler,
    });
  }

  #environment(place: CommandPlace): Environment {
    const { joined } = this.#reconciler;
    assert(joined, "nothing starts before a hub took the drone in");
    const registry = joined.registry.own ? formatAddress(this.#ways.upstream) : this.#desk.place;
    return this.#pad.environment(place, joined, registry);
  }

  async #source(repo: string): Promise<GitSource> {
    return this.#pad.source(repo, await this.#hub(), this.#ways.upstream);
  }

  async #hub(limitMs = hubMsMax): Promise<Conversation> {
    await this.#begun;
    if (this.#link) return this.#link.up(limitMs);
    throw new PropagitError("LINK_LOST", "the drone ends");
  }
}
