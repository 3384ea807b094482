/** A plan as `propagit plan` shows it: its stages in time, and below each what it waits for and does. */
import {
  lastingTasks,
  rollbackStages,
  Run,
  tasksText,
  timeText,
  type AnnouncedStage,
  type Commands,
  type Plan,
  type Stage,
  type Task,
} from "@propagit/plan";
import { partOfTask, type Forecast } from "../plans/forecast.js";
import { dimColour, headColour } from "./colour.js";
import {
  describeCare,
  describeLimits,
  describeSize,
  describeTask,
  describeTime,
  describeWaits,
  hostName,
} from "./plan-words.js";
import { padTo, plainText } from "./text-width.js";

const barColumns = 40;
/** More of a stage are counted; `--all` shows them. */
const tasksShown = 20;

export interface PictureOptions {
  readonly plan: Plan;
  readonly hash: string;
  readonly commands: Commands;
  readonly forecast: Forecast;
  readonly isWhole: boolean;
}

export function planPicture({ plan, hash, commands, forecast, isWhole }: PictureOptions): string {
  const { announcement, isTimed } = forecast;
  const { from, until, stages } = announcement;
  const head = `${headColour(plainText(plan.name))}\n${describeSize(plan)}; ${hash.slice(0, 12)}\n`;
  const time = `${describeTime(forecast)}\n`;
  if (plan.stages.length === 0) return `${head}nothing to do\n`;
  const width = Math.max(...plan.stages.map(({ name }) => plainText(name).length));
  const span = { from, ms: Math.max(1, until - from), isTimed };
  const bars = stages.map((stage) => {
    return `${padTo(plainText(stage.name), Math.min(width, 30))} ${barOf(stage, span)}\n`;
  });
  const bodies = plan.stages.map((stage, index) =>
    stageText(stage, index + 1, { commands, isWhole, opens: stages[index]?.from }),
  );
  return `${head}${time}\n${bars.join("")}${bodies.join("")}${rollbackText({ plan, commands, forecast, isWhole })}`;
}

/** What would be put back, should it fail in its last task, and what nothing puts back. */
function rollbackText({
  plan,
  commands,
  forecast,
  isWhole,
}: Pick<PictureOptions, "plan" | "commands" | "forecast" | "isWhole">): string {
  if (!plan.stages.some(({ onFailure }) => onFailure === "rollback")) return "";
  const run = new Run(plan, forecast.announcement.events);
  const stages = rollbackStages(
    plan,
    run.stages.map((stage) => stage.run),
  );
  const bodies = stages.map((stage, index) =>
    stageText(stage, plan.stages.length + index + 1, { commands, isWhole, opens: undefined }),
  );
  const lasting = tasksText(
    lastingTasks(plan, ({ command }) => commands.get(command)?.needsNoUndo ?? false),
  );
  const head = stages.length > 0 ? "\nwhen it fails, what was done until then is put back:\n" : "";
  const never = lasting === undefined ? "" : `\ncannot be taken back: ${plainText(lasting)}\n`;
  return `${head}${bodies.join("")}${never}`;
}

interface Span {
  readonly from: number;
  readonly ms: number;
  readonly isTimed: boolean;
}

/** Dots while it waits, blocks while it works; on a scale of the whole plan. */
function barOf({ turnAt, from, until, waves }: AnnouncedStage, span: Span): string {
  const column = (at: number) => Math.round(((at - span.from) / span.ms) * barColumns);
  const [wait, begin] = [column(turnAt), column(from)];
  const end = Math.min(barColumns, Math.max(begin + 1, column(until)));
  const waits = dimColour("·".repeat(Math.max(0, begin - wait)));
  const bar = `${" ".repeat(Math.min(wait, begin))}${waits}${"█".repeat(Math.max(1, end - begin))}`;
  const length = span.isTimed ? [timeText(until - from)] : [];
  const parts = waves.length > 1 ? [`${waves.length} waves`] : [];
  const said = [...length, ...parts].join(", ");
  return `${bar}${" ".repeat(Math.max(0, barColumns - end))} ${said}`.trimEnd();
}

interface StageShown extends Pick<PictureOptions, "commands" | "isWhole"> {
  /** When it would begin, in ms since 1970. */
  readonly opens: number | undefined;
}

function stageText(stage: Stage, number: number, { commands, isWhole, opens }: StageShown): string {
  const waits = describeWaits(stage, opens).map((wait) => `   waits for ${plainText(wait)}\n`);
  const lines = isWhole ? stage.lines : stage.lines.slice(0, tasksShown);
  const hostWidth = Math.max(0, ...lines.flat().map((task) => hostName(task).length));
  const rows = lines.flatMap((line) =>
    line.map((task, step) => taskText(task, { commands, isWhole, hostWidth, isNext: step > 0 })),
  );
  const left = stage.lines.length - lines.length;
  const more = left > 0 ? `   and ${left} more: --all shows them\n` : "";
  const head = `\n${number}. ${plainText(stage.name)} ${dimColour(`(${describeLimits(stage)})`)}\n`;
  return `${head}${waits.join("")}${rows.join("")}${more}`;
}

interface Row {
  readonly commands: Commands;
  readonly isWhole: boolean;
  readonly hostWidth: number;
  readonly isNext: boolean;
}

function taskText(task: Task, { commands, isWhole, hostWidth, isNext }: Row): string {
  const mark = isNext ? "  then " : "  ";
  const time = task.afterMs === undefined ? "" : `after ${timeText(task.afterMs)}: `;
  const care = isWhole ? dimColour(` (${describeCare(task)})`) : "";
  const said = plainText(describeTask(task, commands)).replaceAll(/\s+/g, " ");
  const row = ` ${padTo(hostName(task), hostWidth)}${mark}${time}${said}${care}\n`;
  const part = partOfTask(task);
  return part ? row + partText(part, { commands, isWhole }) : row;
}

/** What a relay carries out by itself: its stages in order, below the task that hands it on. */
function partText(part: Plan, how: Pick<PictureOptions, "commands" | "isWhole">): string {
  return part.stages
    .map((stage, index) => stageText(stage, index + 1, { ...how, opens: undefined }))
    .join("")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => `     ${line}\n`)
    .join("");
}
