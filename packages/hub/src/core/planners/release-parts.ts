/** A plan of a release, taken apart: what is done once before its waves, for each of them, and once behind them. */
import type { Plan, Stage, Task } from "@propagit/plan";
import { isReleaseCommand } from "../release-progress.js";

/** A task of a release, with where it stands. */
export interface ReleaseStep {
  readonly task: Task;
  readonly stage: Stage;
}

/** What is made once for each wave begins and ends with these. */
export const [waveBegins, waveEnds] = ["start", "wait-healthy"];

export function stepsOf(stages: readonly Stage[]): readonly ReleaseStep[] {
  return stages.flatMap((stage) =>
    stage.lines.flat().flatMap((task) => (isReleaseCommand(task.command) ? [{ task, stage }] : [])),
  );
}

export interface ReleaseParts {
  /** What comes before the first wave. */
  readonly head: readonly Task[];
  /** What is done for one of them. */
  readonly wave: readonly Task[];
  readonly tail: readonly Task[];
  /** What only makes a wave shorter, and may be left out. */
  readonly ahead: readonly Task[];
}

export function partsOf({ stages }: Plan): ReleaseParts {
  const tasks = stepsOf(stages).map(({ task }) => task);
  const commands = tasks.map(({ command }) => command);
  const [from, to, end] = [
    commands.indexOf(waveBegins),
    commands.indexOf(waveEnds),
    commands.lastIndexOf(waveEnds),
  ];
  const before = tasks.slice(0, from);
  return {
    head: before.filter(({ args }) => args["drones"] === undefined),
    wave: tasks.slice(from, to + 1),
    tail: tasks.slice(end + 1),
    ahead: before.filter(({ args }) => args["drones"] !== undefined),
  };
}

export function isAhead({ command }: Task, ahead: readonly Task[]): boolean {
  return ahead.some((task) => task.command === command);
}

/** As messages place it. */
export function nameOf({ id, command }: Task): string {
  return `task ${id} (${command})`;
}
