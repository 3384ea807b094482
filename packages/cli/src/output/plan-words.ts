/** Plans in words: what tasks do, where, within which limits, what stages wait for. */
import {
  argsOf,
  hostOf,
  timeText,
  type Commands,
  type Gate,
  type Plan,
  type Stage,
  type Task,
  type TimeWindow,
} from "@propagit/plan";
import { isOfHub, reachesTogether } from "@propagit/hub";
import type { Forecast } from "../plans/forecast.js";
import { formatMoment } from "./duration.js";
import { formatCount, formatNames } from "./quantity.js";

/** The machine of the engine, which is in front of the user. */
const localName = "local";

export function hostName({ where, command }: Pick<Task, "where" | "command">): string {
  return placeName(hostOf(where), command);
}

/** Of a task's host as runs tell it: `engine` is the machine of whoever carries it out. */
export function placeName(host: string, command: string): string {
  if (host !== "engine") return host;
  return isOfHub(command) ? "hub" : localName;
}

/** What it would do, as its command says. */
export function describeTask(task: Task, commands: Commands): string {
  const command = commands.get(task.command);
  return command ? command.describe(argsOf(command, task.args)) : `would ${task.command}`;
}

/** How it is done beside that: in brackets. */
export function describeCare({ timeoutMs, retryDelaysMs, once, continueOnFail }: Task): string {
  const parts = [
    retryDelaysMs.length > 0 ? `tried again after ${retryDelaysMs.map(timeText).join(", ")}` : "",
    once ? "once" : "",
    continueOnFail ? "may fail" : "",
    `at most ${timeText(timeoutMs)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

export function describeLimits(stage: Stage): string {
  const { concurrency, concurrencyPerHost, lines, maxFailures, onFailure } = stage;
  const side = Math.min(concurrency, Math.max(1, lines.length));
  const isTogether = tasksOf([stage]).some(({ command }) => reachesTogether(command));
  const parts = [
    isTogether ? "all its drones at once" : side === 1 ? "one at a time" : `${side} at a time`,
    concurrencyPerHost < side ? `${concurrencyPerHost} on a host` : "",
    maxFailures > 0 ? `${formatCount(maxFailures, "line")} may fail` : "",
    onFailure === "rollback" ? "is rolled back when it fails" : "",
    onFailure === "continue" ? "the plan goes on when it fails" : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** @param opens when a window would open, in ms since 1970; absent: nobody can tell */
export function describeWaits({ after, gates }: Stage, opens?: number): readonly string[] {
  const delay = after
    ? [
        `${timeText(after.ms)} after the ${after.from === "plan" ? "plan began" : "stage before ended"}`,
      ]
    : [];
  const at = (gate: Gate) =>
    gate.kind === "window" && opens !== undefined
      ? `; it would be ${formatMoment(opens)} here`
      : "";
  return [...delay, ...gates.map((gate) => `${describeGate(gate)}${at(gate)}`)];
}

function describeGate(gate: Gate): string {
  switch (gate.kind) {
    case "approval":
      return gate.by ? `approval by ${gate.by.join(" or ")}` : "somebody's approval";
    case "window":
      return windowText(gate.window);
    case "http":
      return `${gate.url} to answer ${gate.status.join(" or ")}`;
    case "command":
      return `${gate.task.command} on ${hostName(gate.task)} to end with ${gate.exit}`;
    case "health":
      return `${gate.repo} in ${gate.environment} to be ready (${gate.readyPercent} %)`;
    case "canary":
      return `the rollout by steps of ${gate.repo} in ${gate.environment}`;
    case "errors":
      return `at most ${gate.maxPercent} % errors of ${gate.repo} over ${timeText(gate.overMs)}`;
    default:
      return gate satisfies never;
  }
}

const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** `mon-fri 09:00-17:00, Europe/Berlin`; days that follow one another in one piece. */
function windowText({ days, fromMinute, toMinute, timeZone }: TimeWindow): string {
  const sorted = [...new Set(days)].toSorted((left, right) => left - right);
  const pieces: { readonly first: number; last: number }[] = [];
  for (const day of sorted) {
    const piece = pieces.at(-1);
    if (piece?.last === day - 1) piece.last = day;
    else pieces.push({ first: day, last: day });
  }
  const nameOf = (day: number) => dayNames[day - 1] ?? String(day);
  const words = pieces.map(({ first, last }) =>
    first === last ? nameOf(first) : `${nameOf(first)}-${nameOf(last)}`,
  );
  const which = sorted.length === 7 ? "every day" : words.join(",");
  return `${which} ${clockText(fromMinute)}-${clockText(toMinute)}, ${timeZone}`;
}

function clockText(minutes: number): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** Of the whole plan: known when all of its tasks are. */
export function describeTime({ announcement: { from, until }, isTimed }: Forecast): string {
  return isTimed
    ? `about ${timeText(until - from)}, by what past runs took`
    : "how long it takes is not known: of some of its tasks no run is remembered";
}

export function tasksOf(stages: Plan["stages"]): readonly Task[] {
  return stages.flatMap(({ lines }) => lines.flat());
}

/** `3 stages, 12 tasks on fe001, fe002`. */
export function describeSize({ stages }: Plan): string {
  const tasks = tasksOf(stages);
  const hosts = [...new Set(tasks.map(hostName))];
  const on = hosts.length === 0 ? "" : ` on ${formatNames(hosts)}`;
  return `${formatCount(stages.length, "stage")}, ${formatCount(tasks.length, "task")}${on}`;
}
