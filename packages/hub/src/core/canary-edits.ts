/** What is written when a rollout by steps begins, and for each of its steps. */
import { shortCommit, type CanaryPlan } from "@propagit/protocol";
import { supersededStep, type CanaryStep } from "./canary.js";
import { noEvidence } from "./canary-judgement.js";
import type { CanaryRow } from "./canary-row.js";
import { controlAt, sharesAt } from "./canary-shares.js";
import { environmentOf } from "./deployment-edits.js";
import type { Draft } from "./draft.js";
import { placeName } from "./place-name.js";
import { sendVisitors } from "./route-edits.js";
import { placeKey, type ReleaseRow } from "./rows.js";

export interface NewCanary {
  readonly release: Pick<ReleaseRow, "repo" | "environment" | "number" | "commit">;
  readonly plan: CanaryPlan;
  readonly by: string;
  readonly now: number;
}

/** Instead of one that is under way in the same place: its visitors go back first. */
export function beginCanary(draft: Draft, { release, plan, by, now }: NewCanary): CanaryRow {
  const { repo, environment, number, commit } = release;
  const key = placeKey(repo, environment);
  const name = `release ${number} (${shortCommit(commit)})`;
  const former = draft.rows("canaries").get(key);
  if (former && former.phase !== "over") {
    writeCanary(draft, supersededStep(former, `${name} takes its place`, now), now);
  }
  const text = `${name} is to get the visitors of ${placeName(release)} step by step`;
  const row: CanaryRow = {
    repo,
    environment,
    commit,
    release: number,
    // Whoever has them when it is ready; said then.
    old: { commit },
    before: [],
    plan,
    by,
    startedAt: now,
    phase: "preparing",
    phaseAt: now,
    lookedAt: now,
    step: 0,
    measuredMs: 0,
    evidence: noEvidence,
    text,
  };
  draft.put("canaries", key, row);
  const steps = plan.steps.map((step) => `${step} %`).join(", ");
  const about = { repo, environment, release: number, commit, by };
  draft.note({ kind: "rollout-began", ...about, text: `${text}: ${steps}` });
  return row;
}

/** The state after a step, and where visitors go from then on. */
export function writeCanary(draft: Draft, { row, percent, events }: CanaryStep, now: number): void {
  const { repo, environment, release, commit } = row;
  const key = placeKey(repo, environment);
  draft.put("canaries", key, row);
  for (const event of events) draft.note({ repo, environment, release, commit, ...event });
  if (percent === undefined) return;
  const live = percent >= 100 ? release : environmentOf(draft, repo, environment).live.at(-1);
  const shares = sharesAt(row, percent);
  sendVisitors(draft, { repo, environment, shares, live: live ?? release, now });
  const control = controlAt(row, percent);
  const route = draft.rows("routes").get(key);
  if (control && route) draft.put("routes", key, { ...route, control });
}
