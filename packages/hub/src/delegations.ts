/**
 * Parts of plans that relays carry out: handed over, followed by the number of the event, and asked what was asked of
 * the plan, again after each cut of the line until it is heard.
 *
 *     task delegate --> drones of the part hear what they will be asked (drone.errands)
 *                   --> drone.delegate --> drone.delegate-follow from event n --> journal of parts
 *                            ^---- the line was cut: waited for, and gone on where it ended ----'
 *
 * What a relay hands on in turn is followed here as well; the hub reaches every drone by itself.
 */
import {
  sendPieces,
  toPropagitError,
  PropagitError,
  type Params,
  type PlanDelegation,
  type PlanStage,
  type PlanSummary,
  type Result,
} from "@propagit/protocol";
import {
  flatParts,
  partOf,
  partsOf,
  Run,
  statusOf,
  storeJournal,
  writePlan,
  type Commands,
  type Executor,
  type Journal,
  type Plan,
  type PlanPart,
  type RunEvent,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import { askedAfter, nothingAsked, wishSince, type AskedSoFar } from "./core/delegation-wish.js";
import { fitted } from "./core/plan-sight.js";
import { ErrandTelling, isThere, memberOf } from "./errand-telling.js";
import type { Fleet } from "./fleet.js";
import type { HubWorld } from "./world.js";

/** Runs of the hub's own engine. */
interface PlanRuns {
  find(prefix: string): string;
  list(): readonly { readonly run: string; readonly by: string }[];
  plan(run: string): Promise<Plan>;
  follow(run: string, listener: (event: RunEvent) => void): Promise<{ stop(): void }>;
}

export interface DelegationParts {
  readonly world: HubWorld;
  readonly fleet: Fleet;
  readonly commands: Commands;
  /** @throws UNREACHABLE while they are read */
  readonly runs: () => PlanRuns;
}

/** Until a relay that is there, and would not take it, is asked again. */
const againMs = 2_000;
/** A part may take so long in all, its delays with it; then drones do no more of it. */
const errandsMs = 30 * 86_400_000;

/** The newest, for whoever looks at plans that are over; twice as many as the hub keeps plans. A guess. */
const partsKept = 400;

/** A part as far as it was heard of. */
interface Known {
  readonly part: PlanPart;
  readonly run: Run;
  /** Events that are in `run`. */
  heard: number;
  line: PlanDelegation["line"];
}

export class Delegations implements Executor {
  readonly #parts: DelegationParts;
  readonly #journal: Journal;
  readonly #known = new Map<string, Promise<Known>>();

  constructor(parts: DelegationParts) {
    this.#parts = parts;
    this.#journal = storeJournal(parts.world.store, "part");
  }

  readonly handlers: Handlers = {
    "hub.plan-delegations": ({ id }, call) => this.#list(id, call),
  };

  /** @throws BAD_PLAN when what is to take a part over is no relay */
  async accept(plan: Plan): Promise<void> {
    const parts = flatParts(partsOf("new", plan, this.#parts.commands));
    const wrong = parts.filter(
      (part) => memberOf(this.#parts.fleet, part.relay)?.swarm?.relay === undefined,
    );
    if (wrong.length === 0) return;
    const names = [...new Set(wrong.map(({ relay }) => relay))].join(", ");
    throw new PropagitError("BAD_PLAN", `${names} can take no part of a plan over: no relay`, {
      hint: "start it with `propagit relay`, or let the hub reach those drones itself; docs/targets.md",
    });
  }

  async run(order: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const { runs, commands, world, fleet } = this.#parts;
    const telling = new ErrandTelling({ fleet, log: world.log });
    const part = partOf(order.run, order.task, commands);
    const by =
      runs()
        .list()
        .find(({ run }) => run === order.run)?.by ?? "somebody";
    const over = new AbortController();
    const asked = await this.#asked(order);
    const all = flatParts([part]);
    try {
      await telling.begin(all, world.clock.now() + errandsMs, over.signal);
      const sub = all.slice(1).map((one) => this.#carry(one, { by, asked, over: over.signal }));
      sub.forEach((work) => void work.catch(() => undefined));
      const context = { by, asked, over: over.signal, call };
      return endOf(await this.#carry(part, context));
    } finally {
      over.abort();
      asked.stop();
      await telling.end(all);
      await this.#tidy(all);
    }
  }

  /** It goes on where it is; what was heard of it is in the journal. */
  recall(): Promise<"begun"> {
    return Promise.resolve("begun");
  }

  /** To the end of the part; the relay is waited for whenever there is no line. */
  async #carry(part: PlanPart, context: Carrying): Promise<PlanSummary> {
    for (;;) {
      context.over.throwIfAborted();
      const known = await this.#knownOf(part);
      const identity = await this.#connected(part.relay, context);
      if (identity === undefined) throw new PropagitError("LINK_LOST", `${part.relay} is away`);
      try {
        const summary = await this.#follow(known, identity, context);
        known.line = "up";
        return summary;
      } catch (thrown) {
        const { code } = toPropagitError(thrown);
        // Of a part that another relay hands on it is no failure that it was not yet.
        const isEarly = code === "NO_PLAN" && context.call === undefined;
        if (!againCodes.has(code) && !isEarly) throw thrown;
        known.line = known.heard > 0 ? "cut" : "waiting";
        // What could not be written is heard again.
        if (code === "DATA_UNUSABLE") this.#known.delete(part.run);
        await this.#pause();
      }
    }
  }

  async #follow(known: Known, identity: string, context: Carrying): Promise<PlanSummary> {
    const { fleet, commands } = this.#parts;
    const { part } = known;
    const { run, hash } = part;
    if (context.call) {
      const plan = JSON.stringify(writePlan(part.plan, commands));
      await fleet.call(identity, "drone.delegate", { run, plan, hash, by: context.by });
    }
    const wish = () => this.#wish(identity, part, context.asked);
    const listening = context.asked.listen(() => void wish().catch(() => undefined));
    let written: Promise<void> = Promise.resolve();
    try {
      await wish();
      known.line = "up";
      const from = known.heard;
      return await fleet.call(
        identity,
        "drone.delegate-follow",
        { run, from },
        {
          limitMs: 0,
          signal: context.over,
          onPart: (part) => {
            const news = part.filter(({ index }) => index >= known.heard);
            const events = news.map(({ event }) => event as RunEvent);
            for (const event of events) known.run.apply(event);
            known.heard += events.length;
            if (events.length === 0) return;
            written = written.then(() => this.#journal.append(run, events));
            written.catch(() => undefined);
          },
        },
      );
    } finally {
      listening.stop();
      await written;
    }
  }

  async #wish(identity: string, { run }: PlanPart, asked: Asked): Promise<void> {
    await this.#parts.fleet.call(identity, "drone.delegate-wish", { run, wish: asked.wish });
  }

  /** What is asked of the plan from the task's beginning on. */
  async #asked({ run, task }: TaskOrder): Promise<Asked> {
    let asked: AskedSoFar = nothingAsked;
    let base: AskedSoFar | undefined;
    const listeners = new Set<() => void>();
    const following = await this.#parts.runs().follow(run, (event) => {
      asked = askedAfter(asked, event);
      if (event.kind === "task-begun" && event.task === task.id) base ??= asked;
      if (event.kind === "asked") for (const listener of listeners) listener();
    });
    return {
      get wish() {
        return wishSince(base ?? asked, asked);
      },
      listen: (listener) => {
        listeners.add(listener);
        return { stop: () => void listeners.delete(listener) };
      },
      stop: () => following.stop(),
    };
  }

  #connected(drone: string, { over, call }: Carrying): Promise<string | undefined> {
    const { fleet } = this.#parts;
    const member = memberOf(fleet, drone);
    if (isThere(member) || over.aborted) {
      return Promise.resolve(over.aborted ? undefined : member?.identity);
    }
    // Also when the task was told to end: what was asked is to reach the relay, however late.
    call?.onOutput(`relay ${drone} is away; what it carries out goes on`);
    return new Promise((resolve) => {
      const end = (identity?: string) => {
        listening.stop();
        over.removeEventListener("abort", giveUp);
        resolve(identity);
      };
      const giveUp = () => end();
      const listening = fleet.listen({
        observed: () => undefined,
        contact: (identity, contact) => {
          if (contact === "connected" && fleet.nameOf(identity) === drone) end(identity);
        },
      });
      over.addEventListener("abort", giveUp, { once: true });
    });
  }

  #knownOf(part: PlanPart): Promise<Known> {
    const found = this.#known.get(part.run);
    if (found) return found;
    const made = this.#read(part);
    this.#known.set(part.run, made);
    made.catch(() => this.#known.delete(part.run));
    return made;
  }

  async #read(part: PlanPart): Promise<Known> {
    await this.#journal.create(part.run, part.plan).catch((thrown: unknown) => {
      if (toPropagitError(thrown).code !== "EXISTS") throw thrown;
    });
    const { events } = await this.#journal.read(part.run);
    const line = events.length > 0 ? "cut" : "waiting";
    return { part, run: new Run(part.plan, events), heard: events.length, line };
  }

  /** What is over is read from the journal when somebody wants to see it; the oldest goes. */
  async #tidy(parts: readonly PlanPart[]): Promise<void> {
    for (const { run } of parts) this.#known.delete(run);
    const heads = await this.#journal.list();
    for (const { run } of heads.slice(partsKept)) {
      if (!this.#known.has(run)) await this.#journal.remove(run);
    }
  }

  /** As far as it was heard of, which may be nothing. */
  async #seen(part: PlanPart): Promise<Pick<Known, "run" | "line">> {
    const known = this.#known.get(part.run);
    if (known) return known;
    try {
      const { plan, events } = await this.#journal.read(part.run);
      return { run: new Run(plan, events), line: events.length > 0 ? "cut" : "waiting" };
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "NO_PLAN") throw thrown;
      return { run: new Run(part.plan), line: "waiting" };
    }
  }

  async #list(
    id: Params<"hub.plan-delegations">["id"],
    { part: send }: IncomingCall<"hub.plan-delegations">,
  ): Promise<Result<"hub.plan-delegations">> {
    const { runs, commands } = this.#parts;
    const run = runs().find(id);
    const parts = flatParts(partsOf(run, await runs().plan(run), commands));
    const all: PlanDelegation[] = [];
    for (const part of parts) {
      const known = await this.#seen(part);
      const { stages, ...standing } = statusOf(part.run, known.run, {
        tasks: "all",
        tasksMax: 1_000,
      });
      all.push({
        parent: part.parent,
        task: part.task,
        relay: part.relay,
        run: part.run,
        line: known.line,
        plan: { ...standing, locks: [...standing.locks] },
        stages: stages.map((stage) => fitted(stage as PlanStage)),
      });
    }
    return { delegations: sendPieces(all, send) };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#parts.world.clock.after(againMs, resolve));
  }
}

interface Carrying {
  readonly by: string;
  readonly asked: Asked;
  /** Aborted when nobody follows it any more. */
  readonly over: AbortSignal;
  /** Of the part that this hub hands over; undefined: a relay does. */
  readonly call?: TaskCall;
}

interface Asked {
  readonly wish: Params<"drone.delegate-wish">["wish"];
  listen(listener: () => void): { stop(): void };
  stop(): void;
}

/** The line was cut, or whoever is there ends; what is refused is refused for good. */
const againCodes: ReadonlySet<string> = new Set([
  "LINK_LOST",
  "NO_DRONE",
  "UNREACHABLE",
  "OVERLOADED",
  "TIMED_OUT",
  "DATA_UNUSABLE",
]);

function endOf({ outcome, reason, counts }: PlanSummary): TaskEnd {
  const { done, unchanged, failed, tasks } = counts;
  const all = `${done + unchanged} of ${tasks} tasks are done`;
  if (outcome === "done" && failed === 0) return { outcome: "done", reason: all };
  const why = failed > 0 ? `${all}, ${failed} failed` : (reason ?? all);
  return { outcome: "failed", reason: why.slice(0, 1_000) };
}
