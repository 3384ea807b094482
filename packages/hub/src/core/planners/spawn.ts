/** The plan of one more service beside those of a release. */
import { parseServiceName } from "@propagit/protocol";
import { nameOfRelease } from "../rollout-edits.js";
import type { DeploymentRow } from "../rows.js";
import { shownCommand } from "../run-event.js";
import { dronesToSpawn, refuseSpawn } from "../spawn-choice.js";
import { someOf } from "../some-of.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/**
 * @param beside what is deployed
 * @throws BAD_NAME, NO_PLACE, BAD_PATTERN, NOT_DEPLOYED, EXISTS, OVERLOADED
 */
export function planSpawn(
  view: PlannerView,
  beside: DeploymentRow,
  request: ChangeOf<"spawn">,
): PlannedStep {
  const { service, variables } = request;
  parseServiceName(service.name);
  const drones = dronesToSpawn(view.drones, request).map(({ name }) => name);
  const { repo, environment, release, commit } = refuseSpawn(view.rows, beside, service.name);
  const what = nameOfRelease({ repo, environment, number: release, commit });
  return oneStep(view, {
    name: `spawn ${service.name} beside ${nameOfRelease({ repo, environment, number: release })}`,
    request,
    parts: [partOf.drones, partOf.deployments(repo, environment)],
    step: {
      command: "spawn-service",
      repo,
      environment,
      release,
      service,
      drones,
      ...(variables.length > 0 && { variables }),
    },
    isSo: false,
    warnings: [`\`${lineOf(service.command)}\` would run in ${what} on ${someOf(drones)}`],
  });
}

function lineOf(command: string | readonly string[]): string {
  return shownCommand(typeof command === "string" ? [command] : command);
}
