/** What whoever looks on at a release is told of its way. */
import { assert } from "@propagit/protocol";
import type { Standing } from "./core/rollout-start.js";
import { holderText, newLines, phaseText, promotedText } from "./core/rollout-text.js";
import { releaseOf } from "./core/rollout-edits.js";
import type { LedgerRows } from "./core/draft.js";
import type { Fleet } from "./fleet.js";
import type { Rollout } from "./rollout.js";

/** What is seen of the drones while a release starts. */
export interface StartSight {
  readonly standings: readonly Standing[];
  /** What it waits for that no drone tells. */
  readonly waits: string | undefined;
}

type Names = Pick<Fleet, "nameOf">;

export function tellAccepted(ledger: LedgerRows, rollout: Rollout): void {
  const { repo, environment, number, acceptedAt: at } = rollout.row;
  const commit = releaseOf(ledger, rollout.row)?.commit;
  assert(commit, "a release on its way has its row");
  rollout.tell({ kind: "accepted", at, repo, environment, release: number, commit });
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

/** What is new in it. */
export function tellStart(rollout: Rollout, { standings, waits }: StartSight): void {
  const at = rollout.now;
  for (const line of newLines(standings, rollout.told))
    rollout.tell({ kind: "drone", at, ...line });
  if (waits !== undefined && waits !== rollout.waits)
    rollout.tell({ kind: "note", at, text: waits });
  rollout.waits = waits;
}

export function tellPromoted(rollout: Rollout): void {
  rollout.tell({ kind: "phase", at: rollout.now, phase: "promoting", text: promotedText });
}
