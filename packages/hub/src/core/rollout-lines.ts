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

/** How it ended, and what to type next. */
export function resultLines(
  result: RolloutResult,
  proxyUrl: string | undefined,
): readonly string[] {
  const { repo, release, environment, outcome, drones } = result;
  const what = `release ${release} of ${repo}`;
  switch (outcome) {
    case "ready":
    case "unchanged": {
      const away = drones.filter((drone) => drone.outcome === "away").map(({ drone }) => drone);
      return [
        `success: ${what} is ${outcome === "ready" ? "ready" : "what runs already"}`,
        ...(away.length > 0 ? [`warning: away, and catching up: ${away.join(", ")}`] : []),
        ...whereLines(result, proxyUrl),
      ];
    }
    case "accepted":
      return [`${what} is on its way`];
    case "superseded":
      return [`warning: ${what} was replaced by a newer one before it began`];
    case "failed":
    case "cancelled":
      return [
        ...failureLines(result),
        `error: ${outcome === "failed" ? "FAILED" : "CANCELLED"}: ${what}: ${result.reason ?? "no reason is known"}`,
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

/** `--env=staging`, with a space before it; nothing for production. */
export function flagOf(environment: string): string {
  return environment === environmentDefault ? "" : ` --env=${environment}`;
}

function whereLines(result: RolloutResult, proxyUrl: string | undefined): readonly string[] {
  const { repo, environment, release, commit, promoted, hosts } = result;
  const urls = visitorUrls({ repo, environment, commit, hosts, promoted }, proxyUrl);
  if (promoted) return [`visitors are sent to it${urls.length > 0 ? `: ${urls.join(" ")}` : ""}`];
  return [
    ...(urls.length > 0 ? [`look at it: ${urls.join(" ")}`] : []),
    `hint: visitors are not sent to it yet: propagit promote ${repo} ${release}${flagOf(environment)}`,
  ];
}

function failureLines({ lastLines = [], drones }: RolloutResult): readonly string[] {
  const failed = drones.filter(({ outcome }) => outcome === "failed");
  const own = failed.flatMap(({ drone, reason, lastLines: lines = [] }) => [
    `${drone} failed: ${reason ?? "no reason is known"}`,
    ...lines.map((line) => `${drone} | ${line}`),
  ]);
  return [...own, ...lastLines.map((line) => `| ${line}`)].slice(-lastLinesShownMax);
}

function droneLine({ drone, phase, port, ready, wanted, reason }: DroneProgress): string {
  const where = port === undefined ? "" : ` on port ${port}`;
  const many = wanted !== undefined && wanted > 1 ? ` (${ready ?? 0} of ${wanted})` : "";
  return `${drone} ${phase}${where}${many}${reason === undefined ? "" : `: ${reason}`}`;
}
