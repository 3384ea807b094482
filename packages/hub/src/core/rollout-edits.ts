/** What is written when a release is accepted, and for each durable effect of its machine. */
import {
  environmentDefault,
  shortCommit,
  type CanaryPlan,
  type DroneOutcome,
} from "@propagit/protocol";
import { leadBranch } from "./branch-edits.js";
import { beginCanary } from "./canary-edits.js";
import { changeRelease, environmentOf } from "./deployment-edits.js";
import { changed, type Draft, type LedgerRows } from "./draft.js";
import { placeName } from "./place-name.js";
import { putBack } from "./put-back.js";
import { sendVisitors, undesire } from "./route-edits.js";
import {
  placeKey,
  releaseKey,
  type DeploymentRow,
  type NewEvent,
  type ReleaseRow,
  type RolloutRow,
} from "./rows.js";
import type { DurableEffect, RolloutEnd } from "./rollout-step.js";
import { writeRulesOfRunning } from "./said.js";
import { leadsTo } from "./shares.js";

/** Characters of a reason that go into an event. */
const reasonCharsMax = 1_000;

/** What is asked for, before it has a number. */
export type NewRelease = Pick<
  ReleaseRow,
  "repo" | "environment" | "deployment" | "commit" | "subject" | "kind" | "by"
> &
  Pick<ReleaseRow, "specification" | "settings" | "scales" | "artifact" | "from"> & {
    readonly branch?: string;
    readonly promote: boolean | undefined;
    /** The id of the plan's run that is going to carry it out. */
    readonly run: string;
    readonly ownPlan: boolean;
  } & Pick<RolloutRow, "waves" | "redeploy">;

/** Gives it its number and a place in the queue. */
export function acceptRelease(draft: Draft, wanted: NewRelease, now: number): RolloutRow {
  const { promote, branch, run, ownPlan, waves, redeploy, ...given } = wanted;
  const { repo, environment, deployment } = given;
  const place = environmentOf(draft, repo, environment);
  const number = place.lastRelease + 1;
  const release: ReleaseRow = {
    ...given,
    number,
    at: now,
    state: "deploying",
    phases: [],
    drones: [],
    pinned: false,
    presence: "kept",
    run,
    ...(branch !== undefined && { branches: [branch] }),
  };
  const row: RolloutRow = {
    repo,
    environment,
    number,
    deployment,
    acceptedAt: now,
    phase: "queued",
    phaseAt: now,
    run,
    drones: [],
    ...(ownPlan && { ownPlan }),
    ...(waves && { waves }),
    ...(redeploy && { redeploy }),
    ...(promote !== undefined && { promote }),
  };
  draft.put("environments", placeKey(repo, environment), { ...place, lastRelease: number });
  draft.put("releases", releaseKey(repo, environment, number), release);
  draft.put("rollouts", releaseKey(repo, environment, number), row);
  return row;
}

/** It is not its turn yet. */
export function noteQueued(draft: Draft, row: RolloutRow, by: string): void {
  const { repo, environment, number: release } = row;
  const text = `release ${release} of ${placeName(row)} waits for its turn`;
  draft.note({ kind: "deploy-queued", repo, environment, release, by, text });
}

/** The state after a step, and how long the phase took that is over. */
export function writeRollout(draft: Draft, before: RolloutRow, row: RolloutRow, now: number): void {
  draft.put("rollouts", keyOf(row), row);
  if (before.phase !== row.phase) notePhase(draft, before, now);
}

/** @returns whether visitors were sent to the release */
export function applyEffect(
  draft: Draft,
  row: RolloutRow,
  effect: DurableEffect,
  now: number,
): boolean {
  switch (effect.kind) {
    case "prepare":
      prepare(draft, row, now);
      return false;
    case "built":
      takeArtifact(draft, row, effect);
      return false;
    case "start":
      startServices(draft, row, effect, now);
      return false;
    case "undo":
      if (row.former) putFormer(draft, row.former);
      else undesire(draft, new Set([row.deployment]), now);
      return false;
    case "end":
      return endRelease(draft, row, effect.end, now);
    default:
      return effect satisfies never;
  }
}

/** As it was, but for the branches, which have gone their own way since. */
function putFormer(draft: Draft, former: DeploymentRow): void {
  const { branches } = draft.rows("deployments").get(former.id) ?? {};
  draft.put("deployments", former.id, changed<DeploymentRow>(former, { branches }));
}

/** One that waited in the queue gives way to a newer one. */
export function supersede(draft: Draft, row: RolloutRow, reason: string, now: number): void {
  draft.delete("rollouts", keyOf(row));
  changeRelease(draft, row, { state: "superseded", endedAt: now, reason });
  notePhase(draft, row, now);
  draft.note({
    kind: "deploy-cancelled",
    ...aboutRelease(draft, row),
    text: `${nameOfRelease(releaseOf(draft, row) ?? row)} was superseded: ${reason}`,
  });
}

/** `release 3 of webapp (74336bc)`, with the environment when it is not production. */
export function nameOfRelease({
  repo,
  environment,
  number,
  commit,
}: Pick<ReleaseRow, "repo" | "environment" | "number"> & { readonly commit?: string }): string {
  const where = environment === environmentDefault ? "" : ` in ${environment}`;
  return `release ${number} of ${repo}${where}${commit ? ` (${shortCommit(commit)})` : ""}`;
}

export function releaseOf(ledger: LedgerRows, row: RolloutRow): ReleaseRow | undefined {
  return ledger.rows("releases").get(keyOf(row));
}

function aboutRelease(
  ledger: LedgerRows,
  row: RolloutRow,
): Pick<NewEvent, "repo" | "environment" | "release" | "commit" | "by"> {
  const { repo, environment, number } = row;
  const release = releaseOf(ledger, row);
  return {
    repo,
    environment,
    release: number,
    ...(release && { commit: release.commit, by: release.by }),
  };
}

function prepare(draft: Draft, row: RolloutRow, now: number): void {
  const release = releaseOf(draft, row);
  if (!release) return;
  const { repo, environment, commit, specification, settings, number } = release;
  const artifact =
    release.artifact ?? row.former?.artifact ?? (specification.build ? undefined : commit);
  const { branches } = draft.rows("deployments").get(row.deployment) ?? {};
  const deployment: DeploymentRow = {
    id: row.deployment,
    repo,
    environment,
    commit,
    release: number,
    specification,
    settings,
    since: row.former?.since ?? now,
    started: row.former?.started ?? false,
    services: row.former?.services ?? [],
    ...(row.former?.only && { only: row.former.only }),
    ...(row.former?.wave && { wave: row.former.wave }),
    ...(artifact !== undefined && { artifact }),
    ...(branches && { branches }),
  };
  draft.put("deployments", row.deployment, deployment);
  if (artifact !== undefined) changeRelease(draft, row, { artifact });
  const text = `${nameOfRelease(release)} begins`;
  draft.note({ kind: "deploy-started", ...aboutRelease(draft, row), text });
}

function takeArtifact(
  draft: Draft,
  row: RolloutRow,
  { artifact, identity }: Extract<DurableEffect, { kind: "built" }>,
): void {
  const deployment = draft.rows("deployments").get(row.deployment);
  if (deployment) draft.put("deployments", row.deployment, { ...deployment, artifact });
  changeRelease(draft, row, { artifact });
  const { repo, environment } = row;
  const place = environmentOf(draft, repo, environment);
  const key = placeKey(repo, environment);
  draft.put("environments", key, changed(place, { builtOn: identity ?? place.builtOn }));
  const drone = identity && draft.rows("drones").get(identity)?.name;
  const what = nameOfRelease(releaseOf(draft, row) ?? row);
  draft.note({
    kind: "built",
    ...aboutRelease(draft, row),
    ...(drone && { drone }),
    text: `${what} is built${drone ? ` on ${drone}` : ""}`,
  });
}

function startServices(
  draft: Draft,
  row: RolloutRow,
  { services, only, wave }: Extract<DurableEffect, { kind: "start" }>,
  now: number,
): void {
  const deployment = draft.rows("deployments").get(row.deployment);
  if (!deployment) return;
  const started = changed(deployment, {
    started: true,
    services: [...services],
    only: only && [...only],
    wave,
  });
  draft.put("deployments", row.deployment, started);
  writeRulesOfRunning(draft, deployment, now);
  for (const release of draft.rows("releases").values()) {
    const isShared = release.deployment === row.deployment && release.presence === "kept";
    if (isShared) changeRelease(draft, release, { presence: "running" });
  }
}

function endRelease(draft: Draft, row: RolloutRow, end: RolloutEnd, now: number): boolean {
  const { state, reason, lastLines, drones } = end;
  draft.delete("rollouts", keyOf(row));
  notePhase(draft, row, now);
  changeRelease(draft, row, {
    state,
    endedAt: now,
    reason,
    lastLines,
    drones: [...drones],
  });
  const release = releaseOf(draft, row);
  if (!release) return false;
  draft.note(endEvent(draft, row, release, end));
  if (state !== "ready") return false;
  noLongerLimited(draft, row);
  for (const branch of release.branches ?? []) lead(draft, release, branch, now);
  if (!wantsVisitors(draft, row, release)) return false;
  const { repo, environment, commit, deployment, number, by } = release;
  const plan = goesByStep(draft, row, release);
  if (plan) {
    beginCanary(draft, { release, plan, by, now });
    return false;
  }
  if (release.kind === "rollback") putBack(draft, release);
  sendVisitors(draft, {
    repo,
    environment,
    shares: [{ commit, deployment, weight: 1 }],
    live: number,
    now,
  });
  const text = `visitors of ${placeName(release)} go to release ${number} (${shortCommit(commit)})`;
  draft.note({ kind: "promoted", ...aboutRelease(draft, row), text });
  return true;
}

/** All waves are through: whoever joins from now on runs it too. */
function noLongerLimited(draft: Draft, { deployment: id }: RolloutRow): void {
  const deployment = draft.rows("deployments").get(id);
  if (!deployment?.only) return;
  draft.put("deployments", id, changed(deployment, { only: undefined, wave: undefined }));
}

function lead(draft: Draft, release: ReleaseRow, branch: string, now: number): void {
  const { repo, environment, deployment } = release;
  leadBranch(draft, { repo, environment, deployment, branch, since: now });
}

/** Whether all visitors are sent to it in the moment that it is ready. */
export function getsAllVisitors(ledger: LedgerRows, row: RolloutRow, release: ReleaseRow): boolean {
  return wantsVisitors(ledger, row, release) && !goesByStep(ledger, row, release);
}

/** Asked for, or as the specification says; what changes only how the live commit runs takes its visitors. */
function wantsVisitors(ledger: LedgerRows, row: RolloutRow, release: ReleaseRow): boolean {
  if (row.promote !== undefined) return row.promote;
  const route = ledger.rows("routes").get(placeKey(row.repo, row.environment));
  if (!route || route.shares.length === 0) return true;
  const { promote, rollout } = release.specification;
  return release.kind !== "deploy" || promote === "always" || rollout !== undefined;
}

/** How its visitors come when they do not come all at once: said by its manifest, and by nobody else. */
function goesByStep(
  ledger: LedgerRows,
  row: RolloutRow,
  release: ReleaseRow,
): CanaryPlan | undefined {
  if (row.promote !== undefined || release.kind !== "deploy") return undefined;
  const route = ledger.rows("routes").get(placeKey(row.repo, row.environment));
  const hasOthers = route?.shares.some((share) => !leadsTo(share, release)) ?? false;
  return hasOthers ? release.specification.rollout : undefined;
}

function endEvent(
  ledger: LedgerRows,
  row: RolloutRow,
  release: ReleaseRow,
  { state, reason = "no reason given", drones }: RolloutEnd,
): NewEvent {
  const about = aboutRelease(ledger, row);
  const what = nameOfRelease(release);
  const why = reason.slice(0, reasonCharsMax);
  switch (state) {
    case "ready":
      return { kind: "deployed", ...about, text: `${what} is ready on ${countReady(drones)}` };
    case "failed":
      return { kind: "deploy-failed", ...about, text: `${what} failed: ${why}` };
    case "cancelled":
      return { kind: "deploy-cancelled", ...about, text: `${what} was cancelled: ${why}` };
    default:
      return state satisfies never;
  }
}

function notePhase(draft: Draft, before: RolloutRow, now: number): void {
  const release = releaseOf(draft, before);
  if (!release) return;
  const took = { phase: before.phase, tookMs: Math.max(0, now - before.phaseAt) };
  changeRelease(draft, before, { phases: [...release.phases, took] });
}

function countReady(drones: readonly DroneOutcome[]): string {
  const count = drones.filter(({ outcome }) => outcome === "ready" || outcome === "unchanged");
  return count.length === 1 ? "1 drone" : `${count.length} drones`;
}

function keyOf({ repo, environment, number }: RolloutRow): string {
  return releaseKey(repo, environment, number);
}
