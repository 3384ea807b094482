/**
 * Errands: tasks that a relay may ask of this drone while the hub is away, because the hub said so before.
 *
 *     hub --drone.errands--> on disk --> line to the relay, kept until they are over
 *                                 '--> files that they put somewhere are fetched now
 *     relay --drone.errand (run, hash, task)--> in what the hub said, and in time? --> done as any task
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
  type Credential,
  type DroneCommandEnd,
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
  readonly tasks: Pick<PlanTasks, "run">;
  readonly credential: Credential;
  /** A part that this drone hands on in turn, as it is a relay itself. */
  readonly carryPart?: (part: CarriedPart, call: ErrandCall) => Promise<DroneCommandEnd>;
}

export interface CarriedPart {
  readonly parent: string;
  readonly task: string;
  readonly args: string;
  readonly by: string;
}

export interface ErrandCall {
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
}

export class ErrandDesk implements DronePart {
  readonly handlers: Handlers;
  readonly #context: DroneContext;
  readonly #parts: ErrandParts;
  /** By the address of the relay. */
  readonly #lines = new Map<string, Link>();
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
      handlers: { "drone.errand": (params, call) => this.answer(params, call) },
      introduce: async (conversation) => {
        await conversation.call("relay.errands", { drone: this.#context.name() });
      },
    });
  }

  /** What a relay asks on its line. @throws DENIED when the hub has not told of it, or its time is over */
  async answer(
    { run, hash, task: id, attempt }: Params<"drone.errand">,
    { signal, part }: Pick<IncomingCall<"drone.errand">, "signal" | "part">,
  ): Promise<DroneCommandEnd> {
    const errands = this.#live().find((one) => one.run === run && one.hash === hash);
    const task = errands?.tasks.find((one) => one.task === id);
    if (!errands || !task) {
      const who = `drone ${this.#context.name()}`;
      throw new PropagitError(
        "DENIED",
        `${who} was not told by the hub to do task ${id} of ${run}`,
        {
          hint: "it is told when it is connected to the hub; the task is tried again",
        },
      );
    }
    const call = { signal, onOutput: (line: string) => part([line.slice(0, 500)]) };
    const by = `relay ${errands.relay.name}`;
    if (task.command === "delegate") {
      const carry = this.#parts.carryPart;
      if (carry) return carry({ parent: run, task: id, args: task.args, by }, call);
      throw new PropagitError("TASK_REFUSED", `drone ${this.#context.name()} is no relay`);
    }
    // A relay that is lost asks again; a command goes on meanwhile, as with the hub.
    const stays = { ...call, signal: new AbortController().signal };
    const isAgain = task.command === "put-files";
    const key = `${run}/${id}/${attempt}`;
    return this.#parts.tasks.run({ ...task, key, by }, isAgain ? call : stays);
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

function commitOf({ command, args }: Errands["tasks"][number]): string | undefined {
  if (command !== "put-files") return undefined;
  const { commit } = JSON.parse(args) as { readonly commit?: unknown };
  return typeof commit === "string" ? commit : undefined;
}
