/** What whoever looks on at a release is told of its way. */
import { assert, environmentDefault } from "@propagit/protocol";
import { verdicts, type Standing } from "./core/rollout-start.js";
import { holderText, newLines, phaseText, promotedText } from "./core/rollout-text.js";
import { releaseOf } from "./core/rollout-edits.js";
import type { RolloutStep } from "./core/rollout-step.js";
import type { RolloutView } from "./core/rollout-view.js";
import { absentText, waitText } from "./core/rollout-waits.js";
import type { RolloutRow } from "./core/rows.js";
import { startDrones } from "./core/start-drones.js";
import type { LedgerRows } from "./core/draft.js";
import { placeKey } from "./core/rows.js";
import type { Fleet } from "./fleet.js";
import type { Rollout } from "./rollout.js";

/** What is seen of the drones while a release starts. */
export interface StartSight {
  readonly standings: readonly Standing[];
  /** What it waits for that no drone tells. */
  readonly waits: string | undefined;
  /** Drones that it waits for and that are not connected. */
  readonly absent: string | undefined;
}

/** The last look of a start counts, too, whatever came of it. */
export function startSight(before: RolloutRow, after: RolloutRow, view: RolloutView): StartSight {
  const looked = [after, before].find(({ phase }) => phase === "starting");
  if (!looked) return { standings: [], waits: undefined, absent: undefined };
  const standings = verdicts(looked, view);
  return { standings, waits: waitText(view), absent: absentText(standings, view.drones) };
}

type Names = Pick<Fleet, "nameOf">;

export function tellAccepted(ledger: LedgerRows, rollout: Rollout): void {
  const { repo, environment, number, acceptedAt: at } = rollout.row;
  const commit = releaseOf(ledger, rollout.row)?.commit;
  assert(commit, "a release on its way has its row");
  rollout.tell({ kind: "accepted", at, repo, environment, release: number, commit });
}

/** What is new after a step: a phase before what happens in it, and behind what came of the one before. */
export function tellStep(
  fleet: Names,
  rollout: Rollout,
  before: RolloutRow,
  sight: StartSight,
): void {
  const { phase, task } = rollout.row;
  const isNew = before.phase !== phase || (task && before.task?.id !== task.id);
  if (phase !== "starting") tellStart(rollout, sight);
  if (isNew) tellPhase(fleet, rollout);
  if (phase === "starting") {
    tellStart(rollout, sight);
    tellAbsent(rollout, sight);
  }
}

export function tellPhase(fleet: Names, rollout: Rollout): void {
  const { row } = rollout;
  const text = phaseText(row, (identity) => fleet.nameOf(identity));
  rollout.tell({ kind: "phase", at: rollout.now, phase: row.phase, text });
}

/** Who holds the place that a release waits for, since when, and what he does. */
export function tellHolder(
  ledger: LedgerRows,
  fleet: Names,
  rollout: Rollout,
  holder: Rollout,
  now: number,
): void {
  const release = releaseOf(ledger, holder.row);
  if (!release) return;
  const text = holderText(holder.row, release, now, (identity) => fleet.nameOf(identity));
  rollout.tell({ kind: "phase", at: rollout.now, phase: "queued", text: `waits: ${text}` });
}

/**
 * The task that waits for the drones hears how each of them stands; those after it, which look again, only hear of it
 * when that makes them fail.
 */
export function tellDrones(
  { asked }: Pick<Rollout, "asked">,
  { phaseAt: from }: Pick<RolloutRow, "phaseAt">,
  { standings, answer }: StartSight & Pick<RolloutStep, "answer">,
): void {
  const isFailure = answer?.outcome === "failed" && answer.command === asked?.command;
  if (!asked?.onDrones || (asked.command !== "wait-healthy" && !isFailure)) return;
  const drones = startDrones({ standings, wave: asked.drones, from });
  if (drones.length > 0) asked.onDrones(drones);
}

/** What is new in it. */
function tellStart(rollout: Rollout, { standings, waits }: StartSight): void {
  const at = rollout.now;
  for (const line of newLines(standings, rollout.told))
    rollout.tell({ kind: "drone", at, ...line });
  if (waits !== undefined && waits !== rollout.waits)
    rollout.tell({ kind: "note", at, text: waits });
  rollout.waits = waits;
}

/** The phase is told again with another text: who is waited for has changed. */
function tellAbsent(rollout: Rollout, { absent }: StartSight): void {
  if (absent === rollout.absent) return;
  rollout.absent = absent;
  const text = `starting: ${absent ?? "goes on"}`;
  rollout.tell({ kind: "phase", at: rollout.now, phase: "starting", text });
}

/** That its visitors come step by step, when they do. */
export function tellSteps(ledger: LedgerRows, rollout: Rollout): void {
  const { repo, environment, number } = rollout.row;
  const canary = ledger.rows("canaries").get(placeKey(repo, environment));
  if (canary?.release !== number || canary.phase === "over") return;
  const where = environment === environmentDefault ? "" : ` -e ${environment}`;
  const steps = canary.plan.steps.map((step) => `${step} %`).join(", ");
  const text = `its visitors come step by step: ${steps}; look on with: propagit rollout status ${repo}${where} --follow`;
  rollout.tell({ kind: "note", at: rollout.now, text });
}

export function tellPromoted(rollout: Rollout): void {
  rollout.tell({ kind: "phase", at: rollout.now, phase: "promoting", text: promotedText });
}
