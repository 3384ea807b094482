/** Looking where a run stands, once or again and again: at the hub, on one line to it, or on this machine's disk. */
import { Run, statusOf, type RunSummary, type StatusWish } from "@propagit/plan";
import type { PlanDelegation } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import type { SeenRun } from "../output/run-tree.js";
import { statusFrom } from "./hub-plans.js";
import { LocalRuns } from "./local-runs.js";

export type WhichTasks = NonNullable<StatusWish["tasks"]>;
export type Look = (tasks: WhichTasks) => Promise<SeenRun>;

/** What is needed to look is there while `work` goes on. */
export type Sight = <T>(work: (look: Look) => Promise<T>) => Promise<T>;

/** @param prefix of the run's id. @throws NO_PLAN, AMBIGUOUS */
export async function sightHere(prefix: string): Promise<Sight> {
  const runs = await LocalRuns.open();
  const id = await runs.find(prefix);
  let known: { readonly run: Run; readonly count: number } | undefined;
  return (work) =>
    work(async (tasks) => {
      const { plan, events } = await runs.journal.read(id);
      // Only what is new since the last look: of 10,000 tasks the whole takes a tenth of a second.
      const run = known?.run ?? new Run(plan);
      for (const event of events.slice(known?.count ?? 0)) run.apply(event);
      known = { run, count: events.length };
      const status = statusOf(id, run, { tasks });
      const isCarried = status.state !== "over" && (await runs.isCarried(id));
      return { status, isCarried, isLocal: true };
    });
}

export function sightAtHub(prefix: string, flags: HubFlags): Sight {
  return (work) => withHub(flags, (hub) => work((tasks) => lookAtHub(hub, prefix, tasks)));
}

async function lookAtHub(hub: Conversation, prefix: string, tasks: WhichTasks): Promise<SeenRun> {
  const status = await statusFrom(hub, prefix, tasks);
  const isHandedOn = status.stages.some((stage) =>
    stage.tasks.some(({ command }) => command === "delegate"),
  );
  const parts = isHandedOn ? await partsFrom(hub, status.run) : [];
  return { status, isCarried: isGoing(status), parts };
}

function partsFrom(hub: Conversation, id: string): Promise<readonly PlanDelegation[]> {
  return collect(
    async (onPart) => (await hub.call("hub.plan-delegations", { id }, { onPart })).delegations,
  );
}

/** The hub carries out whatever is not over. */
export function isGoing({ state }: Pick<RunSummary, "state">): boolean {
  return state !== "over" && state !== "unreadable";
}
