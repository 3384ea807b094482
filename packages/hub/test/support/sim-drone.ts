/** A drone that does as it is told, in virtual time, and reports it as the real one does. */
import type {
  Address,
  Credential,
  Deployment,
  InstancePhase,
  InstanceReport,
  Telling,
} from "@propagit/protocol";
import { Link, randomBetween, sessionPaths, type World } from "@propagit/runtime";
import type { Step } from "../../src/core/deploy.js";

/** How an instance of a commit turns out on a drone, at each attempt. */
export type Fate = "ready" | "fails" | "never";

export interface SimDroneOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly identity: string;
  readonly name: string;
  /** Default: everything gets ready. */
  readonly fateOf?: (deployment: Deployment) => Fate;
  /** Longest time of one step, in ms; default 2,000. */
  readonly stepMsMax?: number;
}

export class SimDrone {
  readonly link: Link;
  /** The last desire that it heard. */
  desired: Telling<"drone.desire"> | undefined;
  knownAs: string | undefined;
  readonly instances = new Map<string, InstanceReport>();
  readonly #world: World;
  readonly #options: SimDroneOptions;
  #isDead = false;

  constructor(world: World, options: SimDroneOptions) {
    this.#world = world;
    this.#options = options;
    const { hub, credential } = options;
    this.link = new Link(world, {
      address: hub,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        this.desired = undefined;
        const joined = await conversation.call("hub.join", this.introduction);
        this.knownAs = joined.name;
      },
      tellingHandlers: { "drone.desire": (desire) => this.#reconcile(desire) },
      changed: (state) => {
        // What changed between the introduction and now has been told to nobody.
        if (state.kind === "up") for (const each of this.instances.values()) this.#tell(each);
      },
    });
  }

  get introduction() {
    const { identity, name } = this.#options;
    return {
      identity,
      name,
      labels: {},
      service: "web",
      host: "127.0.0.1",
      version: "1.0.0",
      instances: [...this.instances.values()],
    };
  }

  phaseOf({ repo, commit }: Deployment): InstancePhase | undefined {
    return [...this.instances.values()].find(
      (report) => report.repo === repo && report.commit === commit,
    )?.phase;
  }

  /** Ends without a word. */
  die(): void {
    this.#isDead = true;
    this.link.stop();
  }

  /** Ends on purpose. */
  async leave(): Promise<void> {
    this.instances.clear();
    await this.link.call("hub.leave", {});
    this.die();
  }

  #reconcile(desire: Telling<"drone.desire">): void {
    if (this.#isDead) return;
    this.desired = desire;
    const wanted = new Set(desire.deployments.map(key));
    for (const report of this.instances.values()) {
      if (wanted.has(key(report))) {
        if (report.phase === "failed") void this.#run(report);
      } else if (report.phase !== "stopping") {
        void this.#stop(report);
      }
    }
    const running = new Set([...this.instances.values()].map(key));
    for (const deployment of desire.deployments) {
      if (!running.has(key(deployment))) void this.#run(this.#newInstance(deployment));
    }
  }

  #newInstance({ repo, commit }: Deployment): InstanceReport {
    const process = this.#world.random.hex(16);
    const since = this.#world.clock.now();
    return {
      process,
      repo,
      commit,
      service: "web",
      phase: "waiting",
      services: [],
      restarts: 0,
      since,
    };
  }

  async #run(report: InstanceReport): Promise<void> {
    const { process } = report;
    this.#set(process, report, "fetching");
    if (!(await this.#pass(process, "fetching"))) return;
    this.#set(process, report, "checking-out", "fetched");
    if (!(await this.#pass(process, "checking-out"))) return;
    this.#set(process, report, "starting", "checked out");
    if (!(await this.#pass(process, "starting"))) return;
    this.#end(report);
  }

  #end(report: InstanceReport): void {
    const fate = this.#options.fateOf?.(report) ?? "ready";
    if (fate === "never") return;
    if (fate === "ready") this.#set(report.process, { ...report, port: 10_000 }, "ready");
    else {
      const why = { reason: "exit code 1", lastLines: ["Error: no"] };
      this.#set(report.process, { ...report, ...why }, "failed");
    }
  }

  async #stop(report: InstanceReport): Promise<void> {
    const { process } = report;
    this.#set(process, report, "stopping");
    if (!(await this.#pass(process, "stopping"))) return;
    this.instances.delete(process);
    this.link.tell("hub.instance-gone", { process });
    // It may be wanted again by now.
    if (this.desired) this.#reconcile(this.desired);
  }

  /** Lets a step take its time; false when something else happened to the instance meanwhile. */
  async #pass(process: string, phase: InstancePhase): Promise<boolean> {
    const { stepMsMax = 2_000 } = this.#options;
    const before = this.instances.get(process);
    await new Promise<void>((resolve) => {
      this.#world.clock.after(randomBetween(this.#world.random, 1, stepMsMax), resolve);
    });
    return !this.#isDead && this.instances.get(process) === before && before?.phase === phase;
  }

  #set(process: string, from: InstanceReport, phase: InstancePhase, step?: Step): void {
    const report = { ...from, phase, since: this.#world.clock.now() };
    this.instances.set(process, report);
    this.#tell(report, step);
  }

  #tell(instance: InstanceReport, step?: Step): void {
    this.link.tell("hub.instance", { instance, ...(step && { step }) });
  }
}

function key({ repo, commit }: Deployment): string {
  return `${repo}/${commit}`;
}
