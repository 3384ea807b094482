/**
 * A release on its way in plain lines, for whoever watches a `git push`.
 *
 * No colours: git itself shows lines in red, yellow or green that begin with `error`, `warning`, `hint` or
 * `success`, where the terminal and its owner want that.
 */
import {
  environmentDefault,
  shortCommit,
  type DroneProgress,
  type RolloutProgress,
  type RolloutResult,
} from "@propagit/protocol";
import { visitorUrls } from "./visitor-url.js";

/** Lines of a failed command that are shown again at the end. */
const lastLinesShownMax = 20;

export function progressLines(part: RolloutProgress): readonly string[] {
  switch (part.kind) {
    case "accepted":
      return [
        `release ${part.release} of ${part.repo} in ${part.environment}: ${shortCommit(part.commit)}`,
      ];
    case "phase":
    case "note":
      return [part.text];
    case "drone":
      return [droneLine(part)];
    case "output":
      return [`${part.drone} | ${part.text}`];
    default:
      return part satisfies never;
  }
}

export interface EndOfPush {
  readonly result: RolloutResult;
  /** Visitors are sent to it, by this push or before it. */
  readonly isVisited: boolean;
  /** Its visitors come step by step, and a promote by hand would break that off. */
  readonly isStepping: boolean;
  /** Labels of branches that lead to it. */
  readonly branches: readonly string[];
  /** Where proxies are found; see `visitorUrls`. */
  readonly proxyUrl: string | undefined;
  /** Output of its commands was shown while they ran. */
  readonly isOutputShown: boolean;
}

/** How it ended, below what led to it; then what to type next. */
export function endLines(end: EndOfPush): readonly string[] {
  const { repo, release, environment, outcome, reason = "no reason is known" } = end.result;
  const what = `release ${release} of ${repo} in ${environment}`;
  switch (outcome) {
    case "ready":
    case "unchanged":
      return readyLines(end, `${what} ${outcome === "ready" ? "is ready" : "runs already"}`);
    case "accepted":
      return [`${what} is on its way`];
    case "superseded":
      return [`warning: ${what} was replaced by a newer one before it began`];
    case "failed":
    case "cancelled":
      return [
        ...lastLinesOf(end),
        `error: ${outcome === "failed" ? "FAILED" : "CANCELLED"}: ${what}: ${reason}`,
        `hint: the push itself is taken; see propagit release show ${repo} ${release}${flagOf(environment)}`,
      ];
    default:
      return outcome satisfies never;
  }
}

/** Whether `git push` should end with a failure. */
export function isFailure({ outcome }: RolloutResult): boolean {
  return outcome === "failed" || outcome === "cancelled";
}

/** `-e staging`, with a space before it; nothing for production. */
export function flagOf(environment: string): string {
  return environment === environmentDefault ? "" : ` -e ${environment}`;
}

function readyLines(
  { result, isVisited, isStepping, branches, proxyUrl }: EndOfPush,
  what: string,
): readonly string[] {
  const { drones } = result;
  const urls = visitorUrls({ ...result, promoted: isVisited, branches }, proxyUrl);
  const away = drones.filter(({ outcome }) => outcome === "away").map(({ drone }) => drone);
  return [
    ...(away.length > 0 ? [`warning: away, and catching up: ${away.join(", ")}`] : []),
    `success: ${what}${urls.length > 0 ? `: ${urls.join(" ")}` : ""}`,
    ...(isVisited || isStepping ? [] : [promoteHint(result)]),
    ...(isStepping ? [stepsHint(result)] : []),
  ];
}

function promoteHint({ repo, environment, release }: RolloutResult): string {
  return `hint: visitors are not sent to it yet: propagit promote ${repo} ${release}${flagOf(environment)}`;
}

function stepsHint({ repo, environment }: RolloutResult): string {
  return `hint: its visitors come step by step: propagit rollout status ${repo}${flagOf(environment)} --follow`;
}

/** What drones that failed said last, else the command that did, unless that was just shown. */
function lastLinesOf({ result, isOutputShown }: EndOfPush): readonly string[] {
  const { lastLines = [], drones } = result;
  const said = drones
    .filter(({ outcome }) => outcome === "failed")
    .flatMap(({ drone, lastLines: lines = [] }) => lines.map((line) => `${drone} | ${line}`));
  if (said.length > 0) return said.slice(-lastLinesShownMax);
  if (isOutputShown) return [];
  return lastLines.map((line) => `| ${line}`).slice(-lastLinesShownMax);
}

function droneLine({ drone, phase, port, ready, wanted, reason }: DroneProgress): string {
  const where = port === undefined ? "" : ` on port ${port}`;
  const many = wanted !== undefined && wanted > 1 ? ` (${ready ?? 0} of ${wanted})` : "";
  return `${drone} ${phase}${where}${many}${reason === undefined ? "" : `: ${reason}`}`;
}
