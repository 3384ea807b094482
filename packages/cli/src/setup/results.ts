/** What became of each host, of the run that set them up. */
import { statusOf, type Run, type TaskStatus } from "@propagit/plan";
import type { DroneSummary } from "@propagit/protocol";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatCount } from "../output/quantity.js";
import { formatTable } from "../output/table.js";
import { hintIn } from "./with-hint.js";

export interface HostResult {
  readonly host: string;
  /** `unfinished`: it was stopped before it was through. */
  readonly outcome: "set-up" | "unchanged" | "failed" | "unfinished";
  readonly drone?: string;
  readonly version?: string;
  /** Of a host that failed: at which step, why, and what to do. */
  readonly step?: string;
  readonly reason?: string;
  readonly next?: string;
}

/** In the order in which they were given. */
export function resultsOf(
  id: string,
  run: Run,
  joined: ReadonlyMap<string, Pick<DroneSummary, "name" | "version">>,
): readonly HostResult[] {
  const { stages } = statusOf(id, run, { tasks: "all", tasksMax: Number.MAX_SAFE_INTEGER });
  const tasks = stages.flatMap((stage) => stage.tasks);
  const hosts = [...new Set(tasks.map(({ host }) => host))];
  return hosts.map((host) => {
    const own = tasks.filter((task) => task.host === host);
    const drone = joined.get(host);
    return {
      ...resultOf(host, own),
      ...(drone && { drone: drone.name, version: drone.version }),
    };
  });
}

function resultOf(host: string, tasks: readonly TaskStatus[]): HostResult {
  const bad = tasks.find(({ state }) => state === "failed" || state === "unknown");
  if (bad) {
    const next = hintIn(bad.lastLines ?? []);
    return {
      host,
      outcome: "failed",
      step: stepName(bad),
      reason: withoutHost(bad.reason ?? "it does not say why", host),
      ...(next !== undefined && { next }),
    };
  }
  if (tasks.every(({ state }) => state === "unchanged")) return { host, outcome: "unchanged" };
  const isThrough = tasks.every(({ state }) => state === "done" || state === "unchanged");
  return { host, outcome: isThrough ? "set-up" : "unfinished" };
}

function stepName({ command }: TaskStatus): string {
  return command.replace(/^setup-/, "");
}

function withoutHost(reason: string, host: string): string {
  return reason.startsWith(`${host}: `) ? reason.slice(host.length + 2) : reason;
}

export function formatResults(results: readonly HostResult[]): string {
  const table = formatTable(
    [
      { head: "HOST", cell: ({ host }) => host },
      { head: "RESULT", cell: shownOutcome, colour: coloured },
      { head: "DRONE", cell: ({ drone }) => drone ?? "-" },
      { head: "VERSION", cell: ({ version }) => version ?? "-" },
    ],
    results,
  );
  const failures = results
    .filter(({ outcome }) => outcome === "failed")
    .map(
      ({ host, step, reason, next }) =>
        `\n${badColour(`${host}: ${step} failed`)}: ${reason}\n${next === undefined ? "" : `  ${next}\n`}`,
    );
  return `\n${table}${failures.join("")}\n${dimColour(countsOf(results))}\n`;
}

/** `2 hosts: 1 set up, 1 failed`. */
function countsOf(results: readonly HostResult[]): string {
  const outcomes = ["set-up", "unchanged", "failed", "unfinished"] as const;
  const counts = outcomes.flatMap((outcome) => {
    const count = results.filter((result) => result.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${outcome.replace("-", " ")}`];
  });
  return `${formatCount(results.length, "host")}: ${counts.join(", ")}`;
}

function shownOutcome({ outcome }: HostResult): string {
  return outcome.replace("-", " ");
}

function coloured({ outcome }: HostResult, text: string): string {
  switch (outcome) {
    case "set-up":
      return goodColour(text);
    case "failed":
    case "unfinished":
      return badColour(text);
    case "unchanged":
      return dimColour(text);
    default:
      return outcome satisfies never;
  }
}
