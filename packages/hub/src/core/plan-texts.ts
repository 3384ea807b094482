/** What is said of plans in the log of events. */
import type { Plan, RunAsk, RunSummary } from "@propagit/plan";

const nameChars = 200;

export function beganText({ name, stages }: Plan, run: string, by: string): string {
  const tasks = stages.flatMap(({ lines }) => lines.flat()).length;
  const many = `${counted(tasks, "task")} in ${counted(stages.length, "stage")}`;
  return `${by} began plan ${run}, ${name.slice(0, nameChars)}: ${many}`;
}

export function endedText({ run, name, outcome, reason, counts }: RunSummary): string {
  const { tasks, done, unchanged } = counts;
  const why = reason === undefined ? "" : `: ${reason}`;
  const many = `${done + unchanged} of ${counted(tasks, "task")} done`;
  return `plan ${run}, ${name.slice(0, nameChars)}, ended ${outcome ?? "unreadable"}, ${many}${why}`;
}

export function askedText(
  summary: RunSummary | undefined,
  run: string,
  ask: RunAsk,
  by: string,
): string {
  const name = summary === undefined ? "" : `, ${summary.name.slice(0, nameChars)}`;
  const how =
    ask.kind === "stop" ? `${ask.now ? " now" : ""}${ask.undo ? " with a rollback" : ""}` : "";
  return `${by} asked plan ${run}${name} to ${ask.kind}${how}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
