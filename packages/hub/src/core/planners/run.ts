/** What is shown of a command that would run to its end in a release, while somebody looks on. */
import { PropagitError } from "@propagit/protocol";
import { nameOfRelease } from "../rollout-edits.js";
import type { ReleaseRow } from "../rows.js";
import { chooseAsked } from "../run-asked.js";
import { shownCommand } from "../run-event.js";
import { partOf } from "./basis.js";
import { withInstances } from "./instances.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** @throws BAD_USAGE, NO_PLACE, NO_INSTANCE, NO_SERVICE, BAD_PATTERN */
export function planRun(
  view: PlannerView,
  release: ReleaseRow,
  request: ChangeOf<"run">,
): PlannedStep {
  const { command, service, inside, variables } = request;
  if (command.length === 0) throw new PropagitError("BAD_USAGE", "there is no command");
  const { runs, failed } = chooseAsked(view.rows, view.drones.map(withInstances), {
    ...request,
    of: release,
  });
  const { repo, environment, number } = release;
  const where = inside ? "inside instances of" : "beside";
  return oneStep(view, {
    name: `run ${command[0]?.slice(0, 60) ?? ""} ${where} ${nameOfRelease({ repo, environment, number })}`,
    request,
    parts: [partOf.drones, partOf.releases(repo)],
    step: {
      command: "run-in-release",
      repo,
      environment,
      release: number,
      run: command,
      drones: runs.map(({ drone }) => drone),
      ...(service !== undefined && { service }),
      ...(inside && { inside }),
      ...(variables.length > 0 && { variables }),
    },
    isSo: false,
    skipped: failed.map(({ drone, reason }) => ({ what: drone, why: reason })),
    warnings: [
      `\`${shownCommand(command)}\` would run ${where} ${nameOfRelease(release)}`,
      ...runs.flatMap(({ drone, process }) =>
        process === undefined ? [] : [`on ${drone} it is inside ${process}`],
      ),
    ].slice(0, warningsMax),
  });
}

/** Instances are told as far as there is room. */
const warningsMax = 50;
