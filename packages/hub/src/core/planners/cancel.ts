/** The plan of ending a release on its way. */
import { environmentDefault } from "@propagit/protocol";
import { currentRelease } from "../deployment-edits.js";
import { isOpen } from "../release-progress.js";
import { isAlive } from "../readiness.js";
import { inTurn, notUnderWay } from "../release-turns.js";
import { nameOfRelease } from "../rollout-edits.js";
import type { RolloutRow } from "../rows.js";
import { partOf } from "./basis.js";
import { countOn } from "./count-on.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** @throws NO_RELEASE when there is none on its way */
export function planCancel(view: PlannerView, request: ChangeOf<"cancel">): PlannedStep {
  const { repo, environment = environmentDefault, release } = request;
  const queue = inTurn(
    [...view.rows.rows("rollouts").values()].filter(
      (row) => row.repo === repo && row.environment === environment,
    ),
  );
  const row = release === undefined ? queue[0] : queue.find(({ number }) => number === release);
  if (!row) throw notUnderWay({ repo, environment }, release);
  const { number } = row;
  const current = currentRelease(view.rows, repo, environment);
  const next = queue[0] === row ? queue[1] : undefined;
  return oneStep(view, {
    name: `cancel ${nameOfRelease({ repo, environment, number })}`,
    request,
    parts: [partOf.releases(repo), partOf.deployments(repo, environment)],
    step: { command: "cancel-release", repo, environment, release: number },
    isSo: false,
    warnings: [
      whatOf(view, row),
      current ? `visitors stay with ${nameOfRelease(current)}` : "no release has visitors",
      ...(next ? [`${nameOfRelease(next)} is next`] : []),
    ],
  });
}

/** What happens to it. */
function whatOf({ drones }: PlannerView, row: RolloutRow): string {
  const name = nameOfRelease(row);
  if (!isOpen(row)) return `${name} waits for its turn: nothing was begun of it`;
  const places = drones.flatMap(({ name: drone, reports }) =>
    reports
      .filter((report) => report.deployment === row.deployment && isAlive(report))
      .map(() => drone),
  );
  const where = `${name} is under way (${row.phase})`;
  if (places.length === 0) return `${where}: nothing of it runs yet`;
  const end = row.former ? "go on as before it" : "are stopped";
  return `${where}: ${countOn(places)} ${end}`;
}
