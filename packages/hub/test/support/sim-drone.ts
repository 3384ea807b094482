/** A drone that does as it is told, in virtual time, and reports it as the real one does. */
import type {
  Address,
  Assignment,
  Credential,
  FilesProgress,
  InstancePhase,
  InstanceReport,
  Params,
  Result,
  Telling,
} from "@propagit/protocol";
import { Link, randomBetween, sessionPaths, type World } from "@propagit/runtime";
import type { Step } from "../../src/core/contact.js";

/** How an instance turns out on a drone, at each attempt. */
export type Fate = "ready" | "fails" | "never";
export type TaskFate = "done" | "failed" | "interrupted" | "never";

/** What of a drone survives its death: tasks that it began or ended. */
export type SimMemory = Map<string, Result<"drone.task"> | "running">;

/** One task that was really begun. */
export interface BegunTask {
  readonly drone: string;
  readonly id: string;
  readonly kind: Params<"drone.task">["kind"];
  readonly release: string;
}

export interface SimDroneOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly identity: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What its own command is; null for a drone that runs what repositories say. Default web. */
  readonly service?: string | null;
  /** Default: everything gets ready. */
  readonly fateOf?: (instance: { repo: string; commit: string; service: string }) => Fate;
  /** Default: everything is done. */
  readonly taskFateOf?: (task: Params<"drone.task">) => TaskFate;
  readonly begun?: BegunTask[];
  readonly memory?: SimMemory;
  /** Whether a commit fits on its disk. */
  readonly fits?: boolean;
  /** What becomes of files that it is given; default: it puts each commit in place. */
  readonly putFiles?: (files: Params<"drone.files">) => Promise<Result<"drone.files">>;
  /** Whether an instance comes back when it is restarted; default: each does. */
  readonly comesBack?: (service: string) => boolean;
  /** Whether an instance ends when it is told to; default: each does. */
  readonly ends?: (service: string) => boolean;
  /** What it fetched ahead, by commit; default: it can do nothing of a plan. */
  readonly fetched?: string[];
  /** It never comes to an end with fetching ahead. */
  readonly drips?: boolean;
  /** Longest time of one step, in ms; default 2,000. */
  readonly stepMsMax?: number;
}

export class SimDrone {
  readonly link: Link;
  /** What it was told last. */
  assigned: Telling<"drone.assign"> | undefined;
  /** How often it was told something. */
  told = 0;
  knownAs: string | undefined;
  /** Commits of files by where they are. */
  readonly files = new Map<string, string>();
  readonly instances = new Map<string, InstanceReport>();
  readonly #world: World;
  readonly #options: SimDroneOptions;
  readonly #memory: SimMemory;
  readonly #waiting = new Map<string, ((result: Result<"drone.task">) => void)[]>();
  #isDead = false;

  constructor(world: World, options: SimDroneOptions) {
    this.#world = world;
    this.#options = options;
    const { hub, credential, memory = new Map() } = options;
    this.#memory = memory;
    for (const [id, state] of memory) if (state === "running") memory.set(id, interrupted);
    this.link = new Link(world, {
      address: hub,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        this.assigned = undefined;
        const joined = await conversation.call("hub.join", this.introduction);
        this.knownAs = joined.name;
      },
      tellingHandlers: { "drone.assign": (assign) => this.#assign(assign) },
      handlers: {
        "drone.files": (files, { part }) => this.#files(files, part),
        "drone.task": (task, { part }) => this.#task(task, part),
        "drone.cancel-task": ({ id }) => {
          if (this.#memory.get(id) === "running") this.#endTask(id, failedTask("it was cancelled"));
          return {};
        },
        "drone.restart": (wanted, { part }) => this.#restart(wanted, part),
        ...(options.fetched && { "drone.command": (wanted) => this.#command(wanted) }),
        "drone.room": () => {
          const { fits = true } = this.#options;
          return { fits, freeBytes: 1024 * 1024, neededBytes: 5 * 1024 * 1024 };
        },
      },
      changed: (state) => {
        // What changed between the introduction and now has been told to nobody.
        if (state.kind === "up") for (const each of this.instances.values()) this.#tell(each);
      },
    });
  }

  get introduction(): Params<"hub.join"> {
    const { identity, name, labels = {}, service = "web" } = this.#options;
    return {
      identity,
      name,
      labels: { ...labels },
      ...(service !== null && { service }),
      host: "127.0.0.1",
      version: "1.0.0",
      instances: [...this.instances.values()],
    };
  }

  /** Of its first instance of a commit. */
  phaseOf({ repo, commit }: { repo: string; commit: string }): InstancePhase | undefined {
    return [...this.instances.values()].find(
      (report) => report.repo === repo && report.commit === commit,
    )?.phase;
  }

  /** Services of ready instances, in order. */
  get ready(): readonly string[] {
    return [...this.instances.values()]
      .filter(({ phase }) => phase === "ready")
      .map(({ service, slot = 1 }) => `${service}.${slot}`)
      .sort();
  }

  /** Ends without a word. */
  die(): void {
    this.#isDead = true;
    this.link.stop();
  }

  /** Ends on purpose. */
  async leave(running = false): Promise<void> {
    if (!running) this.instances.clear();
    await this.link.call("hub.leave", { running });
    this.die();
  }

  /** As after a crash of the app. */
  fail(process: string): void {
    const report = this.instances.get(process);
    if (report) this.#set(process, { ...report, reason: "exit code 1" }, "failed");
  }

  #assign(assign: Telling<"drone.assign">): void {
    if (this.#isDead) return;
    this.assigned = assign;
    this.told += 1;
    this.#reconcile();
  }

  #reconcile(): void {
    const wanted = new Map<string, InstanceReport>();
    for (const assignment of this.assigned?.assignments ?? []) {
      for (const [service, slot] of this.#slotsOf(assignment)) {
        const report = this.#newInstance(assignment, service, slot);
        wanted.set(key(report), report);
      }
    }
    for (const report of this.instances.values()) {
      if (!wanted.has(key(report))) {
        if (report.phase !== "stopping") void this.#stop(report);
      } else if (report.phase === "failed") void this.#run(report);
    }
    const running = new Set([...this.instances.values()].map(key));
    for (const [name, report] of wanted) if (!running.has(name)) void this.#run(report);
  }

  #slotsOf({ services }: Assignment): readonly (readonly [string, number])[] {
    const { service = "web" } = this.#options;
    if (service !== null) return [[service, 1]];
    return services.flatMap(({ service: name, instances, held = [] }) => {
      const slots: [string, number][] = [];
      for (let slot = 1; slots.length < instances; slot++) {
        if (!held.includes(slot)) slots.push([name, slot]);
      }
      return slots;
    });
  }

  #newInstance(
    { id, repo, environment, commit, release }: Assignment,
    service: string,
    slot: number,
  ): InstanceReport {
    return {
      process: this.#world.random.hex(16),
      repo,
      commit,
      service,
      deployment: id,
      environment,
      release,
      slot,
      phase: "waiting",
      services: [service],
      restarts: 0,
      since: this.#world.clock.now(),
    };
  }

  /** One after the other, as the real one does. */
  async #restart(
    { processes }: Params<"drone.restart">,
    part: (part: { process: string; ready: boolean }) => void,
  ): Promise<Result<"drone.restart">> {
    const failed: Result<"drone.restart">["failed"] = [];
    for (const process of processes) {
      const report = this.instances.get(process);
      if (!report || failed.length > 0) continue;
      this.#set(process, { ...report, restarts: report.restarts + 1 }, "starting");
      if (!(await this.#pass(process, "starting"))) {
        if (this.#isDead) return new Promise<never>(() => undefined);
        failed.push({ process, reason: "it was stopped meanwhile" });
        continue;
      }
      const now = this.instances.get(process) ?? report;
      const isBack = this.#options.comesBack?.(report.service) ?? true;
      this.#set(process, now, isBack ? "ready" : "failed");
      if (!isBack) failed.push({ process, reason: "exit code 1" });
      part({ process, ready: isBack });
    }
    return { failed };
  }

  /** Only what brings a commit here. */
  async #command({ command, args }: Params<"drone.command">): Promise<Result<"drone.command">> {
    await this.#wait();
    if (this.#options.drips) return new Promise<never>(() => undefined);
    const { commit } = JSON.parse(args) as { commit: string };
    if (this.#isDead || command !== "distribute") return new Promise<never>(() => undefined);
    this.#options.fetched?.push(commit);
    return { outcome: "done", lastLines: [] };
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
    if (this.#options.ends?.(report.service) === false) return;
    if (!(await this.#pass(process, "stopping"))) return;
    this.instances.delete(process);
    this.link.tell("hub.instance-gone", { process });
    // It may be wanted again by now.
    this.#reconcile();
  }

  /** It puts them in place also when nobody hears of it any more. */
  async #files(
    files: Params<"drone.files">,
    part: (part: FilesProgress) => void,
  ): Promise<Result<"drone.files">> {
    const { path, commit, dryRun } = files;
    part({ phase: "fetching", done: 0, of: 0 });
    await this.#wait();
    const given = await this.#options.putFiles?.(files);
    if (given) return given;
    const isSame = this.files.get(path) === commit;
    part({ phase: "writing", done: 1, of: 1 });
    if (!dryRun && !this.#isDead) this.files.set(path, commit);
    const changes = { added: 0, changed: 1, removed: 0, unchanged: 0, bytes: 10, foreign: 0 };
    const none = { ...changes, changed: 0, unchanged: 1, bytes: 0 };
    return { path, changes: isSame ? none : changes, examples: [] };
  }

  #task(
    task: Params<"drone.task">,
    part: (part: { at: number; text: string }) => void,
  ): Promise<Result<"drone.task">> {
    const known = this.#memory.get(task.id);
    if (known !== undefined && known !== "running") return Promise.resolve(known);
    const ended = new Promise<Result<"drone.task">>((resolve) => {
      this.#waiting.set(task.id, [...(this.#waiting.get(task.id) ?? []), resolve]);
    });
    if (known === undefined) {
      this.#memory.set(task.id, "running");
      const { id, kind, repo, environment, release } = task;
      const { name, begun } = this.#options;
      begun?.push({ drone: name, id, kind, release: `${repo}/${environment}/${release}` });
      part({ at: this.#world.clock.now(), text: `${kind} begins` });
      void this.#carryOut(task);
    }
    return ended;
  }

  async #carryOut(task: Params<"drone.task">): Promise<void> {
    await this.#wait();
    const fate = this.#options.taskFateOf?.(task) ?? "done";
    if (this.#isDead || fate === "never" || this.#memory.get(task.id) !== "running") return;
    const artifact = `b${task.commit.slice(1)}`;
    const done = { outcome: "done", lastLines: ["all is well"], tookMs: 10 } as const;
    const results = {
      done: { ...done, lastLines: [...done.lastLines], ...(task.kind === "build" && { artifact }) },
      failed: { ...failedTask("exited with code 1"), lastLines: ["Error: bad"] },
      interrupted,
    };
    this.#endTask(task.id, results[fate]);
  }

  #endTask(id: string, result: Result<"drone.task">): void {
    this.#memory.set(id, result);
    for (const resolve of this.#waiting.get(id) ?? []) resolve(result);
    this.#waiting.delete(id);
  }

  /** Lets a step take its time; false when something else happened to the instance meanwhile. */
  async #pass(process: string, phase: InstancePhase): Promise<boolean> {
    const before = this.instances.get(process);
    await this.#wait();
    return !this.#isDead && this.instances.get(process) === before && before?.phase === phase;
  }

  #wait(): Promise<void> {
    const { stepMsMax = 2_000 } = this.#options;
    return new Promise((resolve) => {
      this.#world.clock.after(randomBetween(this.#world.random, 1, stepMsMax), resolve);
    });
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

const interrupted: Result<"drone.task"> = {
  outcome: "interrupted",
  reason: "the drone did not survive it",
  lastLines: [],
  tookMs: 0,
};

function failedTask(reason: string): Result<"drone.task"> {
  return { outcome: "failed", reason, lastLines: [], tookMs: 10 };
}

function key({ deployment, service, slot }: InstanceReport): string {
  return `${deployment}/${service}/${slot}`;
}
