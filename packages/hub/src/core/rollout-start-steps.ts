/** The start of a release: services in their order, until all is ready, and seen by the proxies. */
import type { DroneOutcome } from "@propagit/protocol";
import { isThere } from "./readiness.js";
import { hasDone } from "./release-progress.js";
import { end, fail, failed } from "./rollout-end.js";
import {
  isGivenUp,
  latenessOf,
  outcomeOf,
  rememberDrones,
  rememberFailing,
  servicesNow,
  verdicts,
  whatLacks,
} from "./rollout-start.js";
import { answered, nothing, type RolloutStep } from "./rollout-step.js";
import { newWave, waveNow } from "./rollout-wave.js";
import type { RolloutView } from "./rollout-view.js";
import type { RolloutRow } from "./rows.js";

/** @param names of the drones whose turn it is; undefined: all that fit */
export function start(
  row: RolloutRow,
  view: RolloutView,
  names: readonly string[] | undefined,
): RolloutStep {
  const command = "start";
  const only = onlyWith(row, view, names);
  const { failingSince: _, ...rest } = row;
  if (hasDone(row, command) && isSameOnly(only, view.deployment?.only)) {
    // Each wave of a redeploy has its own time, though nothing else is wanted than before.
    const anew = row.redeploy ? { ...rest, phaseAt: view.now } : row;
    return answered(anew, { command, outcome: "unchanged" });
  }
  const drones = rememberDrones(row, view.drones);
  const services = servicesNow(row, view, view.deployment?.services ?? []);
  const wave = only && newWave(only, services, view);
  return {
    row: { ...rest, phase: "starting", phaseAt: view.now, drones, done: command },
    durable: [{ kind: "start", services, only, ...(wave && { wave }) }],
    outward: [],
    answer: { command, outcome: "done" },
  };
}

/** Those that run it already stay among them: where nothing limited it before, nothing does now. */
function onlyWith(
  row: RolloutRow,
  { deployment, drones }: RolloutView,
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  const { former } = row;
  if (!names || (former && !former.only)) return undefined;
  const isBefore = hasDone(row, "start");
  if (isBefore && !deployment?.only) return undefined;
  const wanted = new Set(names);
  const added = drones.filter(({ drone }) => wanted.has(drone)).map(({ identity }) => identity);
  const before = isBefore ? (deployment?.only ?? []) : (former?.only ?? []);
  return [...new Set([...before, ...added])].sort();
}

function isSameOnly(
  left: readonly string[] | undefined,
  right: readonly string[] | undefined,
): boolean {
  return left?.join() === right?.join();
}

export function lookAtStart(before: RolloutRow, view: RolloutView, isSeen: boolean): RolloutStep {
  const started = view.deployment?.services ?? [];
  const services = servicesNow(before, view, started);
  const { only, wave: waveBefore } = view.deployment ?? {};
  const wave = waveBefore && waveNow(waveBefore, services, view);
  const isWider = waveBefore && wave?.services.length !== waveBefore.services.length;
  if (services.length > started.length || isWider) {
    const effect = { kind: "start", services, only, ...(wave && { wave }) } as const;
    return { row: before, durable: [effect], outward: [] };
  }
  if (view.asked === undefined) return nothing(before);
  const standings = verdicts(before, view);
  const row = rememberFailing(before, standings, view.now);
  const isPending = standings.some(({ verdict }) => verdict.kind === "pending");
  if (isPending && !isGivenUp(row, view)) return nothing(row);
  const drones = standings.map(outcomeOf);
  const failures = drones.filter(({ outcome }) => outcome === "failed");
  const [first] = failures;
  if (first) {
    const where =
      failures.length === 1 ? first.drone : `${failures.length} drones, first ${first.drone}`;
    const reason = `it failed on ${where}: ${first.reason ?? "no reason given"}`;
    const { lastLines } = first;
    return fail(row, view, { ...failed(reason), drones, ...(lastLines && { lastLines }) });
  }
  const lacking = whatLacks(services, view);
  if (lacking === undefined) return ready(row, view, { drones, isSeen });
  // Drones may be there in a moment that run what no drone runs now.
  if (latenessOf(row, view) === undefined && view.drones.some(isThere)) return nothing(row);
  return fail(row, view, { ...failed(lacking), drones });
}

/** All of it is there: what follows depends on what its plan waits for. */
function ready(
  row: RolloutRow,
  view: RolloutView,
  { drones, isSeen }: { readonly drones: readonly DroneOutcome[]; readonly isSeen: boolean },
): RolloutStep {
  const { asked: command, asksProxies } = view;
  if (command === "wait-healthy") return answered(row, { command, outcome: "done" });
  if (command !== "shift-traffic" && command !== "close-release") return nothing(row);
  const isAsked = command === "shift-traffic" && asksProxies && !isSeen;
  return isAsked ? askProxies(row, view) : end(row, { state: "ready", drones }, view);
}

/** Who gets visitors is seen by the proxies first. */
function askProxies(row: RolloutRow, view: RolloutView): RolloutStep {
  return {
    row: { ...row, phase: "promoting", phaseAt: view.now },
    durable: [],
    outward: [{ kind: "ask-proxies" }],
  };
}

/** It ends, unless something of it has failed since. */
export function seen(row: RolloutRow, view: RolloutView): RolloutStep {
  const step = lookAtStart(startingAgain(row, view), view, true);
  const isEnd = step.durable.some(({ kind }) => kind === "end");
  return isEnd ? { ...step, row } : step;
}

export function startingAgain(row: RolloutRow, { now }: RolloutView): RolloutRow {
  return row.phase === "starting" ? row : { ...row, phase: "starting", phaseAt: now };
}
