/** Plans of what retention does, and of what it leaves alone. */
import { environmentDefault, type RepoName } from "@propagit/protocol";
import { findRelease } from "../release-history.js";
import { planPlaces, tellPlace } from "../retention-change.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** @param isDiskFull of any drone, so that releases go early */
export function planReap(
  view: PlannerView,
  isDiskFull: boolean,
  request: ChangeOf<"reap">,
): PlannedStep {
  const { repo } = request;
  const circumstances = { repo: repo as RepoName | undefined, now: view.now, isDiskFull };
  const told = planPlaces(view.rows, circumstances).flatMap((place) => tellPlace(view.rows, place));
  const staying = told.filter(({ action }) => action === "stay");
  const leaving = told.filter(({ action }) => action !== "stay");
  const nameOf = (one: (typeof told)[number]) => `release ${one.number} of ${one.repo}`;
  return oneStep(view, {
    name: `reap ${repo ?? "all repositories"}`,
    request,
    parts: [partOf.releases(repo)],
    step: { command: "reap", ...(repo !== undefined && { repo }) },
    isSo: leaving.length === 0,
    skipped: staying.map((one) => ({ what: nameOf(one), why: one.why })),
    warnings: leaving.map(
      (one) => `${nameOf(one)} would ${one.action === "stop" ? "stop" : "go"}: ${one.why}`,
    ),
  });
}

/** @throws NO_RELEASE */
export function planPin(
  view: PlannerView,
  request: ChangeOf<"pin"> | ChangeOf<"unpin">,
): PlannedStep {
  const { kind, repo, environment = environmentDefault, release } = request;
  const row = findRelease(view.rows, { repo, environment, number: release });
  const isSo = row.pinned === (kind === "pin");
  const what = `release ${release} of ${repo}`;
  return oneStep(view, {
    name: `${kind} ${what} in ${environment}`,
    request,
    parts: [partOf.releases(repo)],
    step: { command: kind, repo, environment, release },
    isSo,
    skipped: isSo ? [{ what, why: kind === "pin" ? "it is pinned" : "it is not pinned" }] : [],
  });
}
