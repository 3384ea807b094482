/**
 * The daemon: one connection to the hub, one runner for each commit that it should run.
 *
 * What should run is the hub's to say (`drone.desire` is the whole truth each time), what does run is the
 * drone's (`hub.join` carries every report). So a message that is lost never matters, and a hub that is
 * away changes nothing: instances run on.
 */
import {
  assert,
  formatAddress,
  parseRepoName,
  PropagitError,
  toPropagitError,
  type Deployment,
  type RegistryPlace,
  type Telling,
} from "@propagit/protocol";
import { Link, sessionPaths, within, type Conversation, type LinkState } from "@propagit/runtime";
import type { InstanceStep } from "./core/instance-state.js";
import { joinReports } from "./core/join-reports.js";
import { reconcile } from "./core/reconcile.js";
import { isLasting, isRefusal } from "./core/refusal.js";
import { DroneLog } from "./drone-log.js";
import { HubReports } from "./hub-reports.js";
import { InstanceRunner, type RunnerContext } from "./instance-runner.js";
import { LaunchPad, type Joined, type LaunchPadParts } from "./launch-pad.js";
import { RegistryDesk } from "./registry-desk.js";
import type { DroneWorld } from "./world.js";

export interface DroneConfig extends LaunchPadParts {
  /** 32 hex characters: who this drone is across its lives. */
  readonly identity: string;
  /** Version of this software. */
  readonly version: string;
}

/** Bound on waiting for the hub when a commit must be fetched; later the machine tries again. */
const hubMsMax = 10_000;
/** Added to an instance's own bounds when the drone waits for all of them to end. */
const endMarginMs = 8_000;
const leaveMsMax = 2_000;

export class Drone {
  /** Resolves when it is over: with nothing after `stop`, with the error when the hub refused it. */
  readonly ended: Promise<PropagitError | undefined>;
  /** Resolves once the hub answered or could not be reached; rejects when it refused. */
  readonly met: Promise<void>;

  readonly #world: DroneWorld;
  readonly #config: DroneConfig;
  readonly #runners = new Map<string, InstanceRunner>();
  readonly #desk: RegistryDesk;
  readonly #pad: LaunchPad;
  readonly #reports = new HubReports();
  readonly #log: DroneLog;
  readonly #startedAt: number;
  readonly #context: RunnerContext;
  readonly #link: Link;
  #name: string;
  #place: RegistryPlace | undefined;
  /** The connection of the last join, and the newest desire that came on it. */
  #conversation: Conversation | undefined;
  #revision = 0;
  /** The identity of the hub whose desires are carried out, and whether the present one is that. */
  #hub: string | undefined;
  #isFollowing = false;
  #desired: readonly Deployment[] = [];
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #onEmpty: () => void = () => undefined;
  #resolveEnded!: (error: PropagitError | undefined) => void;
  #resolveMet!: () => void;
  #rejectMet!: (error: PropagitError) => void;

  constructor(world: DroneWorld, config: DroneConfig) {
    const { settings, credential } = config;
    this.#world = world;
    this.#config = config;
    this.#name = settings.name;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.met = new Promise((resolve, reject) => {
      this.#resolveMet = resolve;
      this.#rejectMet = reject;
    });
    this.met.catch(() => undefined);
    this.#desk = new RegistryDesk(world, (process) => {
      this.#runners.get(process)?.announced();
    });
    this.#pad = new LaunchPad(world, config);
    this.#log = new DroneLog(world);
    this.#startedAt = world.clock.monotonic();
    this.#context = this.#makeContext();
    this.#link = new Link(world, {
      address: settings.hub,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: settings.secret === undefined,
      tellingHandlers: { "drone.desire": (desire, from) => this.#hearDesire(desire, from) },
      introduce: (conversation) => this.#join(conversation),
      changed: (state) => this.#linkChanged(state),
    });
  }

  /** The name that the hub knows it by. */
  get name(): string {
    return this.#name;
  }

  /** Ends all instances, frees their records, says goodbye to the hub. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end(undefined);
    return this.#stopped;
  }

  async #join(conversation: Conversation): Promise<void> {
    const { settings, identity, host, version } = this.#config;
    this.#conversation = conversation;
    this.#revision = 0;
    this.#isFollowing = false;
    const instances = joinReports([...this.#runners.values()].map((runner) => runner.report));
    const joined = await conversation.call("hub.join", {
      identity,
      name: settings.name,
      labels: { ...settings.labels },
      service: settings.service,
      host,
      version,
      instances,
    });
    this.#follow(joined.hub);
    this.#name = joined.name;
    this.#useRegistry(joined.registry);
    this.#reports.joined(conversation, instances);
    for (const runner of this.#runners.values()) this.#reports.say(runner.report);
    this.#reports.forgetOthers([...this.#runners.keys()]);
    this.#reconcile("retry");
  }

  /**
   * Believes this hub, unless it is another one than the one that wanted what runs here: a hub that lost
   * its data wants nothing, and that is no reason to stop anything. @throws HUB_CHANGED
   */
  #follow(hub: string | undefined): void {
    if (
      hub !== undefined &&
      this.#hub !== undefined &&
      hub !== this.#hub &&
      this.#runners.size > 0
    ) {
      const running = `${this.#runners.size} instances run here that it knows nothing of`;
      throw new PropagitError("HUB_CHANGED", `this is another hub than before, and ${running}`);
    }
    this.#hub = hub;
    this.#isFollowing = true;
  }

  #useRegistry(place: RegistryPlace): void {
    const address = { host: place.host ?? this.#config.settings.hub.host, port: place.port };
    this.#place = place;
    const moved = this.#desk.use(address, {
      credential: this.#config.credential,
      acceptsOpen: place.open,
    });
    if (!moved) return;
    this.#world.log.info(`the registry is at ${formatAddress(address)} now`);
    for (const runner of this.#runners.values()) runner.registerAgain();
  }

  #hearDesire(desire: Telling<"drone.desire">, from: Conversation): void {
    if (from !== this.#conversation || desire.revision < this.#revision) return;
    this.#revision = desire.revision;
    this.#desired = desire.deployments.filter((deployment) => this.#isAllowed(deployment));
    // It may come before the answer to the join has been looked at; then the join reconciles.
    if (this.#place) this.#reconcile("retry");
  }

  /** The name becomes part of paths: it is checked here again, whatever the hub did. */
  #isAllowed({ repo }: Deployment): boolean {
    try {
      return parseRepoName(repo) === repo;
    } catch (thrown) {
      this.#world.log.warn(`not run: ${toPropagitError(thrown).message}`);
      return false;
    }
  }

  #reconcile(kept: "retry" | "leave alone"): void {
    if (this.#isStopping || !this.#place || !this.#isFollowing) return;
    const running = [...this.#runners.values()].map(({ state: { identity, life } }) => ({
      ...identity,
      isEnding: life.kind === "stopping" || life.kind === "stopped",
    }));
    const { start, stop, keep } = reconcile(this.#desired, running);
    // Starts come first: what stops at once comes back here for what can be started now.
    for (const deployment of start) this.#start(deployment);
    for (const process of stop) this.#runners.get(process)?.feed({ kind: "stop" });
    if (kept === "leave alone") return;
    for (const process of keep) this.#runners.get(process)?.feed({ kind: "retry" });
  }

  #start({ repo, commit }: Deployment): void {
    const process = this.#world.random.hex(16);
    const { service } = this.#config.settings;
    const runner = new InstanceRunner(this.#context, { process, repo, commit, service });
    this.#runners.set(process, runner);
    runner.feed({ kind: "start" });
  }

  #changed(runner: InstanceRunner, step: InstanceStep["done"]): void {
    const { process } = runner.state.identity;
    this.#reports.say(runner.report, step);
    this.#log.tellInstance(runner, step);
    if (runner.state.life.kind !== "stopped") return;
    this.#runners.delete(process);
    this.#pad.ports.release(process);
    this.#reports.gone(process);
    if (this.#runners.size === 0) this.#onEmpty();
    this.#reconcile("leave alone");
  }

  #linkChanged(state: LinkState): void {
    if (state.kind === "up") {
      this.#log.cameUp(this.#name, this.#config.settings.hub);
      this.#resolveMet();
      return;
    }
    if (state.kind !== "waiting") return;
    this.#reports.lost();
    const { code } = state.reason;
    const triedMs = this.#world.clock.monotonic() - this.#startedAt;
    if (!state.again && isLasting(code, triedMs)) {
      this.#stopped ??= this.#end(PropagitError.fromData(state.reason));
      return;
    }
    this.#log.away(state, this.#config.settings.hub);
    if (!isRefusal(code)) this.#resolveMet();
  }

  async #end(refusal: PropagitError | undefined): Promise<void> {
    this.#isStopping = true;
    if (refusal) this.#rejectMet(refusal);
    await this.#endInstances();
    if (this.#reports.isJoined) {
      await this.#link.call("hub.leave", {}, { limitMs: leaveMsMax }).catch(() => undefined);
    }
    this.#link.stop();
    this.#rejectMet(refusal ?? new PropagitError("LINK_LOST", "the drone was stopped"));
    await within(this.#world.clock, leaveMsMax, "the registry", this.#desk.close()).catch(
      () => undefined,
    );
    this.#resolveEnded(refusal);
  }

  async #endInstances(): Promise<void> {
    const { stopTimeoutMs, drainMs } = this.#config.settings;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const runner of this.#runners.values()) runner.feed({ kind: "stop" });
    if (this.#runners.size === 0) return;
    const limitMs = stopTimeoutMs + drainMs + endMarginMs;
    await within(this.#world.clock, limitMs, "ending the instances", empty).catch(
      (thrown: unknown) => this.#world.log.warn(toPropagitError(thrown).message),
    );
  }

  #makeContext(): RunnerContext {
    const { settings, host } = this.#config;
    return {
      world: this.#world,
      rules: settings,
      command: settings.command,
      desk: this.#desk,
      drone: () => this.#name,
      host: () => host,
      source: async (repo) => this.#pad.source(repo, await this.#link.up(hubMsMax)),
      pickPort: (process, wanted) => this.#pad.ports.pick(process, wanted),
      environment: (identity, folder, port) =>
        this.#pad.environment(identity, this.#joined(), { folder, port }),
      changed: (runner, step) => this.#changed(runner, step),
    };
  }

  #joined(): Joined {
    assert(this.#place, "instances start after the hub took the drone in");
    return { drone: this.#name, registry: this.#place, registryAddress: this.#desk.place };
  }
}
