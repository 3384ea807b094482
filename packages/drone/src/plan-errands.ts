/**
 * Errands: tasks that a relay may ask of this drone while the hub is away, because the hub said so before.
 *
 *     hub --drone.errands--> on disk --> line to the relay, kept until they are over
 *                                 '--> files that they put somewhere are fetched now
 *     relay --drone.errand (run, hash, task)--> in what the hub said, and in time? --> done as any task
 *     relay --drone.errand-recall, drone.errand-cancel--> what became of it; it is to end
 *
 * The hub's word came over the sealed session with it. On the line both have proven that they have the cluster's
 * secret; whoever else has it, as any relay, can ask for nothing but these tasks.
 */
import {
  filesRepo,
  formatAddress,
  PropagitError,
  shortCommit,
  toPropagitError,
  type CommandRecalled,
  type Credential,
  type DroneCommandEnd,
  type Errand,
  type Errands,
  type Params,
} from "@propagit/protocol";
import { Link, type Handlers, type IncomingCall, type Timer } from "@propagit/runtime";
import type { DroneContext, DronePart } from "./drone-part.js";
import type { PlanTasks } from "./plan-tasks.js";
import type { CommitName } from "./world.js";

/** Of a relay's port, for these lines. */
export const errandsPath = "/errands";

/** Of parts of plans; the oldest are forgotten. A guess, far above what is on its way at a time. */
const errandsMax = 200;
/** What is over in time is looked for so often. */
const tidyMs = 60_000;

/** What the hub said, across lives of the drone. */
export interface ErrandStore {
  /** Oldest first. */
  readonly all: readonly Errands[];
  /** On disk when it resolves. @throws DATA_UNUSABLE */
  write(errands: Errands): Promise<void>;
  remove(run: string): Promise<void>;
}

export interface ErrandParts {
  readonly store: ErrandStore;
  readonly tasks: Pick<PlanTasks, "run" | "recall">;
  readonly credential: Credential;
  /** Parts that this drone is handed by another relay, as it is one itself. */
  readonly carrier?: PartCarrier;
}

export interface PartCarrier {
  /** To the end of the part. */
  carry(part: CarriedPart, call: ErrandCall): Promise<DroneCommandEnd>;
  recall(part: Pick<CarriedPart, "parent" | "task">): Promise<CommandRecalled>;
}

export interface CarriedPart {
  readonly parent: string;
  readonly task: string;
  /** Each one after the first is another try at what failed. */
  readonly attempt: number;
  readonly args: string;
  readonly by: string;
}

export interface ErrandCall {
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
}

type Asked = Params<"drone.errand">;

export class ErrandDesk implements DronePart {
  readonly handlers: Handlers;
  /** Of the lines to relays. */
  readonly lineHandlers: Handlers;
  readonly #context: DroneContext;
  readonly #parts: ErrandParts;
  /** By the address of the relay. */
  readonly #lines = new Map<string, Link>();
  /** What is under way for relays, by its key, with what ends it. */
  readonly #living = new Map<string, Set<AbortController>>();
  #tidying: Timer | undefined;
  #isStopped = false;

  constructor(context: DroneContext, parts: ErrandParts) {
    this.#context = context;
    this.#parts = parts;
    this.handlers = {
      "drone.errands": (params) => this.#take(params),
      "drone.errands-over": async ({ run }) => {
        await this.#forget(run);
        return {};
      },
    };
    this.lineHandlers = {
      "drone.errand": (params, call) => this.answer(params, call),
      "drone.errand-recall": (params) => this.#recall(params),
      "drone.errand-cancel": (params) => {
        for (const living of this.#living.get(keyOf(params)) ?? []) living.abort();
        return {};
      },
    };
    this.#tidyLater();
    // What a former life was told of; once the drone is made.
    queueMicrotask(() => this.#keepLines());
  }

  /** What it will be asked to put somewhere stays until then. */
  readonly commitsInUse = (): readonly CommitName[] =>
    this.#live().flatMap(({ tasks }) =>
      tasks.flatMap((task) => {
        const commit = commitOf(task);
        return commit === undefined ? [] : [{ repo: filesRepo, commit }];
      }),
    );

  readonly stop = async (): Promise<void> => {
    this.#isStopped = true;
    this.#tidying?.cancel();
    for (const line of this.#lines.values()) line.stop();
  };

  async #take(errands: Params<"drone.errands">): Promise<Record<string, never>> {
    const { store } = this.#parts;
    await store.write(errands);
    for (const { run } of store.all.slice(0, -errandsMax)) await store.remove(run);
    this.#keepLines();
    this.#tidyLater();
    void this.#fetch(errands);
    return {};
  }

  /** While the hub and neighbours can give it; what fails now is tried again by the task. */
  async #fetch({ tasks, run, relay }: Errands): Promise<void> {
    const { world, source } = this.#context;
    const commits = new Set(tasks.flatMap((task) => commitOf(task) ?? []));
    for (const commit of commits) {
      try {
        const name = { repo: filesRepo, commit };
        await world.commits.fetch(name, () => source(filesRepo), new AbortController().signal);
        const what = `files ${shortCommit(commit)}`;
        world.log.info(`${what} are here, for when relay ${relay.name} asks for them`);
      } catch (thrown) {
        const { message } = toPropagitError(thrown);
        world.log.warn(`files of plan ${run} are not here yet: ${message}`);
      }
    }
  }

  /** One to each relay that may ask for something, and no other. */
  #keepLines(): void {
    if (this.#isStopped) return;
    const wanted = new Map(this.#live().map((one) => [formatAddress(one.relay), one.relay]));
    for (const [key, line] of this.#lines) {
      if (wanted.has(key)) continue;
      line.stop();
      this.#lines.delete(key);
    }
    for (const [key, relay] of wanted) {
      if (!this.#lines.has(key)) this.#lines.set(key, this.#lineTo(relay));
    }
  }

  #lineTo({ host, port }: Errands["relay"]): Link {
    return new Link(this.#context.world, {
      address: { host, port },
      path: errandsPath,
      role: "drone",
      credential: this.#parts.credential,
      acceptsOpen: false,
      handlers: this.lineHandlers,
      introduce: async (conversation) => {
        await conversation.call("relay.errands", { drone: this.#context.name() });
      },
    });
  }

  /** What a relay asks on its line. @throws DENIED when the hub has not told of it, or its time is over */
  async answer(
    asked: Asked,
    { signal, part }: Pick<IncomingCall<"drone.errand">, "signal" | "part">,
  ): Promise<DroneCommandEnd> {
    const { task, relay } = this.#find(asked);
    const onOutput = (line: string) => part([line.slice(0, 500)]);
    const by = `relay ${relay.name}`;
    if (task.command === "delegate") {
      const { run: parent, task: id, attempt } = asked;
      const handed = { parent, task: id, attempt, args: task.args, by };
      return this.#carrier.carry(handed, { signal, onOutput });
    }
    const key = keyOf(asked);
    return this.#cancellable(key, (cancel) => {
      // A relay that is lost asks again; a command goes on meanwhile, as with the hub.
      const isAgain = task.command === "put-files";
      const ended = isAgain ? AbortSignal.any([cancel, signal]) : cancel;
      return this.#parts.tasks.run({ ...task, key, by }, { signal: ended, onOutput });
    });
  }

  async #cancellable<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const cancel = new AbortController();
    const living = this.#living.get(key) ?? new Set();
    this.#living.set(key, living.add(cancel));
    try {
      return await work(cancel.signal);
    } finally {
      living.delete(cancel);
      if (living.size === 0) this.#living.delete(key);
    }
  }

  async #recall(asked: Asked): Promise<CommandRecalled> {
    const { task } = this.#find(asked);
    const { run: parent, task: id } = asked;
    if (task.command === "delegate") return this.#carrier.recall({ parent, task: id });
    const key = keyOf(asked);
    if (this.#living.has(key)) return { state: "begun" };
    return this.#parts.tasks.recall({ ...task, key });
  }

  /** @throws DENIED */
  #find({ run, hash, task: id }: Asked): Pick<Errands, "relay"> & { readonly task: Errand } {
    const errands = this.#live().find((one) => one.run === run && one.hash === hash);
    const task = errands?.tasks.find((one) => one.task === id);
    if (errands && task) return { task, relay: errands.relay };
    const who = `drone ${this.#context.name()}`;
    throw new PropagitError("DENIED", `${who} was not told by the hub to do task ${id} of ${run}`, {
      hint: "it is told when it is connected to the hub; the task is tried again",
    });
  }

  get #carrier(): PartCarrier {
    const { carrier } = this.#parts;
    if (carrier) return carrier;
    throw new PropagitError("TASK_REFUSED", `drone ${this.#context.name()} is no relay`);
  }

  async #forget(run: string): Promise<void> {
    await this.#parts.store.remove(run);
    this.#keepLines();
    this.#context.tidySoon();
  }

  /** While there is anything that will be over. */
  #tidyLater(): void {
    if (this.#isStopped || this.#tidying || this.#parts.store.all.length === 0) return;
    this.#tidying = this.#context.world.clock.after(tidyMs, () => {
      this.#tidying = undefined;
      void this.#tidy().finally(() => this.#tidyLater());
    });
  }

  async #tidy(): Promise<void> {
    const live = new Set(this.#live());
    const over = this.#parts.store.all.filter((one) => !live.has(one));
    for (const { run } of over) await this.#forget(run).catch(() => undefined);
  }

  #live(): readonly Errands[] {
    const now = this.#context.world.clock.now();
    return this.#parts.store.all.filter(({ until }) => until > now);
  }
}

function keyOf({ run, task, attempt }: Asked): string {
  return `${run}/${task}/${attempt}`;
}

function commitOf({ command, args }: Errands["tasks"][number]): string | undefined {
  if (command !== "put-files") return undefined;
  const { commit } = JSON.parse(args) as { readonly commit?: unknown };
  return typeof commit === "string" ? commit : undefined;
}
