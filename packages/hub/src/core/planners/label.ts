/** The plan of changing labels of a drone: what would be placed anew by them. */
import { placeAll, type AssignmentQuestion, type Counts } from "../assignments.js";
import { describeLabels, droneCalled, relabelled } from "../drone-labels.js";
import { labelsOf } from "../membership.js";
import { placeName } from "../place-name.js";
import type { DeploymentRow } from "../rows.js";
import type { Placement } from "../placement.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** Of services that move; more are counted. */
const movesToldMax = 30;
/** Of drones that one of them moves from or to. */
const dronesToldMax = 10;

/** @throws NO_DRONE, BAD_NAME */
export function planLabel(view: PlannerView, request: ChangeOf<"label">): PlannedStep {
  const { drone: name, set, unset } = request;
  const row = droneCalled(view.rows, name);
  const after = relabelled(row, { set, unset });
  const isSo = after === undefined;
  const moves = after ? movesOf(view, row.identity, labelsOf(after)) : [];
  const still = "nothing that runs moves; what is placed from now on goes by them";
  return oneStep(view, {
    name: `label ${name}`,
    request,
    parts: [partOf.drones],
    step: { command: "label-drone", name, set: { ...set }, unset: [...unset] },
    isSo,
    skipped: isSo ? [{ what: name, why: "it has these labels already" }] : [],
    warnings: isSo
      ? []
      : [
          `its labels would be ${describeLabels(labelsOf(after))}`,
          ...(moves.length > 0 ? bounded(moves) : [still]),
        ],
  });
}

/** One line for each service whose places are others then: exactly as they would be decided. */
function movesOf(
  { rows, drones, counts }: PlannerView,
  identity: string,
  labels: Readonly<Record<string, string>>,
): readonly string[] {
  const deployments = rows.rows("deployments");
  const question: AssignmentQuestion = {
    deployments,
    holds: rows.rows("holds"),
    spawned: rows.rows("spawned"),
    drones,
    before: counts,
  };
  const now = placeAll(question);
  const there = drones.map((each) => (each.identity === identity ? { ...each, labels } : each));
  const then = placeAll({ ...question, drones: there });
  const nameOf = new Map(drones.map((each) => [each.identity, each.name]));
  return [...deployments.values()].flatMap((deployment) =>
    servicesOf(now, then, deployment).flatMap((service) => {
      const places = [now, then].map((all) => all.get(deployment.id)?.get(service));
      const moved = movedText(places[0], places[1], nameOf);
      return moved === "" ? [] : [`${service} of ${nameOfDeployment(deployment)}: ${moved}`];
    }),
  );
}

function servicesOf(now: Counts, then: Counts, { id }: DeploymentRow): readonly string[] {
  const both = [now, then].flatMap((all) => [...(all.get(id)?.keys() ?? [])]);
  return [...new Set(both)];
}

/** `1 ends on web-1; 1 starts on web-2` */
function movedText(
  now: Placement = new Map(),
  then: Placement = new Map(),
  nameOf: ReadonlyMap<string, string>,
): string {
  const changes = [...new Set([...now.keys(), ...then.keys()])].map((identity) => ({
    drone: nameOf.get(identity) ?? identity,
    by: (then.get(identity) ?? 0) - (now.get(identity) ?? 0),
  }));
  const parts = [
    ["ends", changes.filter(({ by }) => by < 0)],
    ["starts", changes.filter(({ by }) => by > 0)],
  ] as const;
  return parts
    .filter(([, some]) => some.length > 0)
    .map(([verb, some]) => {
      const told = some.slice(0, dronesToldMax);
      const more = some.length > told.length ? [`${some.length - told.length} more`] : [];
      const texts = told.map(({ drone, by }) => `${Math.abs(by)} ${verb} on ${drone}`);
      return [...texts, ...more].join(", ");
    })
    .join("; ");
}

function nameOfDeployment(deployment: DeploymentRow): string {
  return `release ${deployment.release} of ${placeName(deployment)}`;
}

function bounded(moves: readonly string[]): readonly string[] {
  if (moves.length <= movesToldMax) return moves;
  const more = `and ${moves.length - movesToldMax} services more move`;
  return [...moves.slice(0, movesToldMax), more];
}
