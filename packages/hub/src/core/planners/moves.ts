/** Which instances end and start where, when a drone is drained, takes instances again or has other labels. */
import { placeAll, type AssignmentQuestion, type Counts } from "../assignments.js";
import { placeName } from "../place-name.js";
import type { Placement } from "../placement.js";
import type { DeploymentRow } from "../rows.js";
import type { PlannerDrone, PlannerView } from "./planner-view.js";

/** Of services that move; more are counted. */
const movesToldMax = 30;
/** Of drones that one of them moves from or to. */
const dronesToldMax = 10;

/**
 * One line for each service whose places are others once a drone is another: exactly as they are decided, in the end.
 *
 * @param change of the drone with this identity
 */
export function movesTold(
  view: PlannerView,
  identity: string,
  change: Partial<Pick<PlannerDrone, "labels" | "draining">>,
): readonly string[] {
  return bounded(movesOf(view, identity, change));
}

function movesOf(
  { rows, drones, counts }: PlannerView,
  identity: string,
  change: Partial<PlannerDrone>,
): readonly string[] {
  const deployments = rows.rows("deployments");
  const question: AssignmentQuestion = {
    deployments,
    holds: rows.rows("holds"),
    spawned: rows.rows("spawned"),
    drones,
    before: counts,
    surge: false,
  };
  const now = placeAll(question);
  const there = drones.map((each) => (each.identity === identity ? { ...each, ...change } : each));
  const then = placeAll({ ...question, drones: there });
  const nameOf = new Map(drones.map((each) => [each.identity, each.name]));
  return [...deployments.values()].flatMap((deployment) =>
    servicesOf(now, then, deployment).flatMap((service) => {
      const places = [now, then].map((all) => all.get(deployment.id)?.get(service));
      const moved = movedText(places[0], places[1], nameOf);
      return moved === ""
        ? []
        : [`${service || "the drones' own command"} of ${nameOfDeployment(deployment)}: ${moved}`];
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
