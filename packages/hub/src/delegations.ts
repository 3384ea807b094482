/**
 * Parts of plans that relays carry out: handed over, followed by the number of the event, and asked what was asked of
 * the plan, again after each cut of the line until it is heard.
 *
 *     task delegate --> drones of the part hear what they will be asked (drone.errands)
 *                   --> drone.delegate --> drone.delegate-follow from event n --> journal of parts
 *                            ^---- the line was cut: waited for, and gone on where it ended ----'
 *
 * What a relay hands on is followed here as well, as the hub reaches every drone by itself; the task is over when all of
 * them are.
 */
import {
  PropagitError,
  sendPieces,
  toPropagitError,
  type Params,
  type PlanDelegation,
  type PlanSummary,
  type Result,
} from "@propagit/protocol";
import {
  endOfCommand,
  endOfPart,
  flatParts,
  partOf,
  partsOf,
  statusOf,
  toldSummary,
  writePlan,
  type Commands,
  type Executor,
  type Plan,
  type PlanPart,
  type RunEvent,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import { sleep, type Handlers, type IncomingCall } from "@propagit/runtime";
import type { Asked, Carrying, UpperPart, Wish } from "./carrying.js";
import { askedAfter, nothingAsked, wishSince, type AskedSoFar } from "./core/delegation-wish.js";
import { fitted } from "./core/plan-sight.js";
import { ErrandTelling, memberOf } from "./errand-telling.js";
import type { Fleet } from "./fleet.js";
import { partJournal } from "./part-journal.js";
import { PartLog, type HeardPart } from "./part-log.js";
import { untilConnected } from "./until-connected.js";
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
  /** Before it is written that it was heard; may be told the same twice. */
  readonly told?: (plan: Plan, events: readonly RunEvent[], by: string) => Promise<void>;
}

/** Until a relay that is there, and would not take it, is asked again. */
const againMs = 2_000;
/** Until a part that another relay hands on is looked for again. */
const lookMs = 10_000;
/** A relay that was asked for nothing, as far as is known, is back by then, or it is not waited for. */
const lateMs = 60_000;
/** A part may take so long in all, its delays with it; then drones do no more of it. */
const errandsMs = 30 * 86_400_000;

export class Delegations implements Executor {
  readonly #parts: DelegationParts;
  readonly #log: PartLog;

  constructor(parts: DelegationParts) {
    this.#parts = parts;
    this.#log = new PartLog(partJournal(parts.world));
  }

  readonly handlers: Handlers = {
    "hub.plan-delegations": ({ id }, call) => this.#list(id, call),
  };

  /** @throws BAD_PLAN when what is to take a part over is no relay */
  async check(plan: Plan): Promise<void> {
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
    const { by = "somebody" } =
      runs()
        .list()
        .find(({ run }) => run === order.run) ?? {};
    const over = new AbortController();
    const asked = await this.#asked(order);
    const all = flatParts([part]);
    try {
      await telling.begin(all, world.clock.now() + errandsMs, over.signal);
      const summary = await this.#carryAll(part, { by, asked, over: over.signal, call });
      return summary ? endOfTask(summary) : notHandedOn(asked.wish.by);
    } finally {
      over.abort();
      asked.stop();
      await telling.end(all);
      await this.#log.tidy(all);
    }
  }

  /** It goes on where it is; what was heard of it is in the journal. */
  recall(): Promise<"begun"> {
    return Promise.resolve("begun");
  }

  /** It hears of the stop when there is a line, and ends then: until that was heard the plan is not over. */
  outlives(): boolean {
    return true;
  }

  /**
   * With all that is handed on of it.
   *
   * @param upper what hands it on; undefined: this hub
   * @returns what became of it; undefined when it was never handed on
   */
  async #carryAll(
    part: PlanPart,
    context: Carrying,
    upper?: UpperPart,
  ): Promise<PlanSummary | undefined> {
    const heard = await this.#log.of(part);
    const over = new AbortController();
    const own = upper ? this.#carryHanded(heard, context, upper) : this.#carry(heard, context);
    const lower = part.parts.map((one) =>
      this.#carryAll(one, context, { heard, over: over.signal }),
    );
    for (const work of lower) work.catch(() => undefined);
    const summary = await own;
    over.abort();
    await Promise.all(lower);
    return summary;
  }

  /** To the end of the part; the relay is waited for whenever there is no line. */
  async #carry(heard: HeardPart, context: Carrying): Promise<PlanSummary | undefined> {
    const { relay } = heard.part;
    for (;;) {
      // Also when the task was told to end: what was asked is to reach the relay, however late.
      const identity = await untilConnected({
        fleet: this.#parts.fleet,
        drone: relay,
        signal: context.over,
        onAway: () => context.call.onOutput(`relay ${relay} is away; what it carries out goes on`),
      });
      if (identity === undefined) throw new PropagitError("LINK_LOST", `${relay} is away`);
      const since = this.#sinceOf(identity);
      try {
        await this.#handOver(heard, identity, context);
        return await this.#follow(heard, identity, context);
      } catch (thrown) {
        const { code } = toPropagitError(thrown);
        const isUnknown = code === "NO_PLAN" && heard.heard === 0;
        if (isUnknown && context.asked.wish.stop) return undefined;
        if (code === "NO_PLAN" && !isUnknown) throw forgotten(relay);
        await this.#lost(heard, code, context);
        if (!isUnknown && this.#isRefused(identity, since, code)) throw thrown;
      }
    }
  }

  /** What is to stop is not handed over any more; what was heard of is there. */
  async #handOver({ part, heard }: HeardPart, identity: string, context: Carrying): Promise<void> {
    const { fleet, commands } = this.#parts;
    if (heard > 0 || context.asked.wish.stop) return;
    const plan = JSON.stringify(writePlan(part.plan, commands));
    const { run, hash } = part;
    await fleet.call(identity, "drone.delegate", { run, plan, hash, by: context.by });
  }

  /** What another relay hands on: as soon as it is there, and until that one's part is over, too. */
  async #carryHanded(
    heard: HeardPart,
    context: Carrying,
    upper: UpperPart,
  ): Promise<PlanSummary | undefined> {
    const { clock } = this.#parts.world;
    const changed = AbortSignal.any([upper.over, context.over]);
    for (;;) {
      if (context.over.aborted) throw new PropagitError("LINK_LOST", "nobody follows it any more");
      const isLast = upper.over.aborted;
      const identity = await this.#handedConnected(heard, context, upper);
      if (identity === undefined && isLast) return undefined;
      if (identity === undefined) continue;
      const since = this.#sinceOf(identity);
      try {
        // Another try is a new attempt of the task that hands it on.
        const summary = await this.#follow(heard, identity, context, { retries: 0 });
        if (isLast) return summary;
      } catch (thrown) {
        const { code } = toPropagitError(thrown);
        if (code === "NO_PLAN" && isLast) return undefined;
        if (code !== "NO_PLAN") {
          await this.#lost(heard, code, context);
          if (this.#isRefused(identity, since, code)) throw thrown;
          continue;
        }
      }
      await sleep(clock, lookMs, changed);
    }
  }

  /** Undefined when there is something else to look at first, or nothing to wait for. */
  async #handedConnected(
    { part, heard }: HeardPart,
    { over }: Carrying,
    upper: UpperPart,
  ): Promise<string | undefined> {
    const { fleet, world } = this.#parts;
    const { relay: drone, task } = part;
    const signals = [over];
    const late = new AbortController();
    const state = upper.heard.run.taskRun(task)?.state;
    if (!upper.over.aborted) signals.push(upper.over);
    else if (heard === 0 && state === undefined) return undefined;
    else if (heard === 0 && state === "failed") signals.push(late.signal);
    const timer = world.clock.after(lateMs, () => late.abort());
    try {
      return await untilConnected({ fleet, drone, signal: AbortSignal.any(signals) });
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "NO_DRONE") throw thrown;
      await sleep(world.clock, lookMs, AbortSignal.any(signals));
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** When its connection began; undefined when there is none. */
  #sinceOf(identity: string): number | undefined {
    const member = this.#parts.fleet.member(identity);
    return member?.contact === "connected" ? member.since : undefined;
  }

  /** A connection may end for any reason; what a relay refuses, it says on one that goes on. */
  #isRefused(identity: string, since: number | undefined, code: string): boolean {
    return since !== undefined && since === this.#sinceOf(identity) && !againCodes.has(code);
  }

  async #lost(heard: HeardPart, code: string, { over }: Carrying): Promise<void> {
    heard.line = heard.heard > 0 ? "cut" : "waiting";
    await sleep(this.#parts.world.clock, againMs, over);
    if (code === "DATA_UNUSABLE") await this.#log.reread(heard).catch(() => undefined);
  }

  /** @param fixed what of the wish stays as it is, whatever is asked meanwhile */
  async #follow(
    heard: HeardPart,
    identity: string,
    { asked, over, by }: Carrying,
    fixed: Partial<Wish> = {},
  ): Promise<PlanSummary> {
    const { fleet, told: tell } = this.#parts;
    const { run, plan } = heard.part;
    const gone = new AbortController();
    const wish = async () => {
      const wished = { ...asked.wish, ...fixed };
      await fleet.call(identity, "drone.delegate-wish", { run, wish: wished });
    };
    const listening = asked.listen(() => void this.#untilDone(wish, gone.signal));
    let written: Promise<void> = Promise.resolve();
    try {
      await wish();
      heard.line = "up";
      return await fleet.call(
        identity,
        "drone.delegate-follow",
        { run, from: heard.heard },
        {
          limitMs: 0,
          signal: over,
          onPart: (told) => {
            const events = this.#log.hear(heard, told);
            // What could not be written is heard again, with all that comes behind it.
            written = written
              .then(() => tell?.(plan, events, by))
              .then(() => this.#log.write(heard, events));
            written.catch(() => undefined);
          },
        },
      );
    } finally {
      gone.abort();
      listening.stop();
      await written;
    }
  }

  /** What a relay did not hear on a line that goes on it is told again there. */
  async #untilDone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await work();
      } catch {
        await sleep(this.#parts.world.clock, againMs, signal);
      }
    }
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

  async #list(
    id: Params<"hub.plan-delegations">["id"],
    { part: send }: IncomingCall<"hub.plan-delegations">,
  ): Promise<Result<"hub.plan-delegations">> {
    const { runs, commands } = this.#parts;
    const run = runs().find(id);
    const parts = flatParts(partsOf(run, await runs().plan(run), commands));
    const all: PlanDelegation[] = [];
    for (const part of parts) {
      const seen = await this.#log.seen(part);
      const wish = { tasks: "all", tasksMax: 1_000 } as const;
      const { stages, ...standing } = statusOf(part.run, seen.run, wish);
      all.push({
        parent: part.parent,
        task: part.task,
        relay: part.relay,
        run: part.run,
        line: seen.line,
        plan: toldSummary(standing),
        stages: stages.map(fitted),
      });
    }
    return { delegations: sendPieces(all, send) };
  }
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

function endOfTask(summary: PlanSummary): TaskEnd {
  const end = endOfCommand(endOfPart(summary));
  // Whoever stopped the plan has stopped its parts, and none of them has failed by that.
  return summary.outcome === "stopped" ? { ...end, outcome: "stopped" } : end;
}

function notHandedOn(by: string): TaskEnd {
  return { outcome: "stopped", reason: `stopped by ${by} before it was handed on` };
}

/** It may have done more than was heard of, so it is not begun anew. */
function forgotten(relay: string): PropagitError {
  return new PropagitError("NO_PLAN", `relay ${relay} no longer has its part of the plan`, {
    hint: "see what was done (propagit plans status ID --all), and begin a plan with the rest",
  });
}
