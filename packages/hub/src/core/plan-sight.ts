/** What of a plan's standing fits into a frame. */
import type { PlanStage } from "@propagit/protocol";
import type { DroneSeen, StageStatus } from "@propagit/plan";

/** Far below a frame's limit, as characters may take several bytes each. */
const stageCharsMax = 1_000_000;
const hostsMax = 5_000;
const lineChars = 200;

/** With less of what tasks said, when that is more than anybody reads. */
export function fitted(stage: StageStatus): PlanStage {
  const hosts = stage.hosts.slice(0, hostsMax);
  const tasks = stage.tasks.map(({ lastLines, drones, ...task }) => ({
    ...task,
    ...(lastLines && { lastLines: [...lastLines] }),
    ...(drones && { drones: { ...drones, drones: drones.drones.map(told) } }),
  }));
  const whole: PlanStage = { ...stage, hosts, tasks };
  if (JSON.stringify(whole).length <= stageCharsMax) return whole;
  return { ...whole, tasks: tasks.map(brief) };
}

type TaskTold = PlanStage["tasks"][number];
type DroneTold = NonNullable<TaskTold["drones"]>["drones"][number];

function told({ lastLines, ...drone }: DroneSeen): DroneTold {
  return { ...drone, ...(lastLines && { lastLines: [...lastLines] }) };
}

function brief(task: TaskTold): TaskTold {
  const { lastLines = [], reason, drones } = task;
  return {
    ...task,
    ...(reason !== undefined && { reason: reason.slice(0, lineChars) }),
    ...(drones && { drones: { ...drones, drones: [] } }),
    lastLines: lastLines.slice(-1).map((line) => line.slice(0, lineChars)),
  };
}
