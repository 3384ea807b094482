/** Plans of ending single instances, starting them again and restarting them. */
import {
  chooseToHold,
  chooseToRestart,
  chooseToStart,
  type ChoiceDrone,
} from "../instance-choice.js";
import { namedInstances, targetWords } from "../../plan-commands/kit/instance-words.js";
import { partOf } from "./basis.js";
import { countOn } from "./count-on.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerDrone, PlannerView } from "./planner-view.js";

type Kind = "hold" | "start" | "restart";
const commandOf = {
  hold: "stop-instances",
  start: "start-instances",
  restart: "restart-instances",
} as const;
const nameChars = 200;

/** @throws NO_INSTANCE, NO_PLACE, NO_RELEASE, AMBIGUOUS, BAD_PATTERN, STILL_ROUTED */
export function planInstances(view: PlannerView, request: ChangeOf<Kind>): PlannedStep {
  const { kind, target } = request;
  const drones = view.drones.map(withInstances);
  const places = placesOf(view, drones, request);
  const command = commandOf[kind];
  const force = kind === "hold" && request.force;
  return oneStep(view, {
    name: `${kind === "hold" ? "stop" : kind} ${namedInstances(targetWords(target))}`.slice(
      0,
      nameChars,
    ),
    request,
    parts: [partOf.drones, partOf.holds],
    step: { command, ...targetWords(target), ...(force && { force }) },
    isSo: false,
    warnings: [`just now these are ${countOn(places)}`],
  });
}

/** Names of the drones, one for each instance. */
function placesOf(
  { rows }: PlannerView,
  drones: readonly ChoiceDrone[],
  request: ChangeOf<Kind>,
): readonly string[] {
  const nameOf = new Map(drones.map(({ identity, name }) => [identity, name]));
  switch (request.kind) {
    case "hold":
      return chooseToHold(rows, drones, request).map(({ drone }) => drone.name);
    case "start":
      return chooseToStart(rows, drones, request.target).flatMap(({ identity, slots }) =>
        slots.map(() => nameOf.get(identity) ?? "a drone that is gone"),
      );
    case "restart":
      return chooseToRestart(rows, drones, request.target).map(({ drone }) => drone.name);
    default:
      return request satisfies never;
  }
}

export function withInstances(drone: PlannerDrone): PlannerDrone & ChoiceDrone {
  return { ...drone, instances: new Map(drone.reports.map((report) => [report.process, report])) };
}
