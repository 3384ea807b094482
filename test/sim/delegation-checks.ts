/** What must be true of a plan with parts on relays, whatever broke meanwhile. */
import assert from "node:assert/strict";
import { toPropagitError, type PlanSummary } from "@propagit/protocol";
import { positionOf, Run, statusOf, type Plan, type RunEvent } from "@propagit/plan";
import type { DelegatedCluster, relays } from "./delegated-cluster.js";
import type { Deed } from "./sim-machine.js";

/** Runs of parts, by relay. */
export type Parts = Readonly<Record<(typeof relays)[number], string>>;

export function checkOutcome(summary: PlanSummary, mayStop: boolean): void {
  const said = JSON.stringify(summary);
  assert.equal(summary.state, "over", said);
  assert.equal(summary.counts.running + summary.counts.retrying, 0, said);
  if (!mayStop) assert.equal(summary.counts.stopped + summary.counts.neverRun, 0, said);
}

/** As the machines saw it. */
export function checkDeeds(deeds: readonly Deed[], parts: Parts): void {
  const limits = new Map([
    [parts.head, 3],
    [parts.deep, 2],
  ]);
  const begun = new Map<string, number>();
  const running = new Map<string, Set<string>>();
  for (const { kind, key, once } of deeds) {
    const [run = "", task = ""] = key.split("/");
    const now = running.get(run) ?? new Set();
    running.set(run, now);
    if (kind === "ended") {
      now.delete(key);
      continue;
    }
    begun.set(`${run}/${task}`, (begun.get(`${run}/${task}`) ?? 0) + 1);
    if (once) assert.equal(begun.get(`${run}/${task}`), 1, `${key} may be done once`);
    now.add(key);
    const isFirst = positionOf(task).stage === 1;
    const limit = limits.get(run);
    if (limit !== undefined && isFirst) {
      assert.ok(now.size <= limit, `${[...now].join()} at once`);
    }
  }
}

/** The hub has heard what the relays have on disk. */
export async function checkHeard(
  cluster: DelegatedCluster,
  parts: Parts,
  said: string,
): Promise<void> {
  for (const relay of ["head", "deep"] as const) {
    const run = parts[relay];
    const there = await readIfThere(cluster.journalOf(relay), run);
    const here = await readIfThere(cluster.heard, run);
    assert.deepEqual(
      here?.events ?? [],
      there?.events ?? [],
      `what the hub heard of ${relay}; ${said}`,
    );
    if (!there || !here) continue;
    const status = (at: { readonly plan: Plan; readonly events: readonly RunEvent[] }) =>
      statusOf(run, new Run(at.plan, at.events), { tasks: "all" });
    assert.deepEqual(status(here), status(there));
    assert.equal(status(there).state, "over", `${relay} has ended; ${said}`);
    checkStop(relay, there.events);
    checkEnds(run, there.events, cluster.deeds);
  }
}

/** Nothing begins after a stop was on its disk. */
function checkStop(relay: string, events: readonly RunEvent[]): void {
  const at = events.findIndex((event) => event.kind === "asked" && event.ask.kind === "stop");
  if (at === -1) return;
  const begun = events.slice(at).find(({ kind }) => kind === "task-begun");
  assert.equal(begun, undefined, `something begins on ${relay} after it was to stop`);
}

/** What is said to be done was done. */
function checkEnds(run: string, events: readonly RunEvent[], deeds: readonly Deed[]): void {
  const done = new Set(deeds.map(({ key }) => key.split("/").slice(0, 2).join("/")));
  for (const event of events) {
    if (event.kind !== "task-ended" || event.outcome !== "done") continue;
    // What hands a part on is done by others.
    if (event.task === "2.1.2") continue;
    assert.ok(done.has(`${run}/${event.task}`), `${event.task} of ${run} was never done`);
  }
}

async function readIfThere(journal: Pick<DelegatedCluster["heard"], "read">, run: string) {
  try {
    return await journal.read(run);
  } catch (thrown) {
    if (toPropagitError(thrown).code === "NO_PLAN") return undefined;
    throw thrown;
  }
}
