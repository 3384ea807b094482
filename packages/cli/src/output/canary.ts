/**
 * A rollout by steps as a tree of its steps, and as lines:
 *
 *     webapp 74336bc, release 12: 25 % of the visitors, beside 40548da
 *     ├─ ✓ 5 %
 *     ├─ ⠋ 25 %   1 min 3 s of 5 min  0.2 % of 1,213 requests fail, of 40548da 0.3 % of 1,180
 *     ├─ · 50 %
 *     └─ · 100 %
 */
import { shortCommit, type Canary } from "@propagit/protocol";
import { badColour, dimColour, goodColour, headColour, warningColour } from "./colour.js";
import { formatDuration } from "./duration.js";
import { inEnvironment } from "./route.js";
import { plainText } from "./text-width.js";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const frameMs = 100;

/** @param now in ms, as the hub's clock has it */
export function formatCanaryTree(canary: Canary, now: number): string[] {
  const { steps } = canary.plan;
  const isPreparing = canary.phase === "preparing";
  const nodes = steps.map((percent, index) => {
    const head = `${stepIcon(canary, index, now)} ${`${percent} %`.padEnd(5)}`;
    const isThis = index === canary.step && !isPreparing && canary.end?.outcome !== "promoted";
    return isThis ? [`${head}  ${describeStep(canary, now)}`, ...detail(canary)] : [head];
  });
  const first = isPreparing ? [[`${spinner(now)} waits until it is ready`]] : [];
  const all = [...first, ...nodes];
  const lines = all.flatMap(([head = "", ...more], index) => {
    const isLast = index === all.length - 1;
    const below = more.map((line) => `${isLast ? "   " : "│  "}     ${line}`);
    return [`${isLast ? "└─" : "├─"} ${head}`, ...below];
  });
  return [headColour(formatCanaryHead(canary)), ...lines];
}

/** `webapp 74336bc, release 12: 25 % of the visitors, beside 40548da` */
export function formatCanaryHead(canary: Canary): string {
  const { repo, environment, commit, release, old, percent, phase } = canary;
  const name = `${repo} ${shortCommit(commit)}${inEnvironment(environment)}, release ${release}`;
  const beside = old.commit === commit ? "" : `, beside ${shortCommit(old.commit)}`;
  return phase === "over" ? name : `${name}: ${percent} % of the visitors${beside}`;
}

/** One line of a table: what it does now. */
export function describeCanary({ phase, end, plan, measuredMs, text }: Canary): string {
  if (end) return `${end.outcome}: ${plainText(end.reason)}`;
  const measured = `${formatDuration(measuredMs)} of ${formatDuration(plan.everyMs)}`;
  return phase === "measuring" ? `${measured}: ${plainText(text)}` : `${phase}: ${plainText(text)}`;
}

/**
 * How it ended, as the last line.
 *
 * @param options.isErrorNext an error with the reason is told next, when it ended badly
 */
export function formatCanaryEnd(canary: Canary, { isErrorNext = false } = {}): string {
  const { end } = canary;
  if (!end) return "";
  const took = formatDuration(Math.max(0, end.at - canary.startedAt));
  const reason = plainText(end.reason);
  const why = isErrorNext ? "" : `: ${reason}`;
  switch (end.outcome) {
    case "promoted":
      return `${goodColour("✓")} all visitors go to ${formatCanaryHead(canary)}, after ${took}: ${reason}\n`;
    case "aborted":
      return `${badColour("✗")} taken back after ${took}${why}\n`;
    case "ended":
      return `${warningColour("!")} ended after ${took}${why}\n`;
    case "failed":
      return `${badColour("✗")} failed after ${took}${why}\n`;
    default:
      return end.outcome satisfies never;
  }
}

function stepIcon({ phase, step, end }: Canary, index: number, now: number): string {
  if (end?.outcome === "promoted") return goodColour("✓");
  if (phase === "preparing" || index > step) return dimColour("·");
  if (index < step) return goodColour("✓");
  if (end) return badColour("✗");
  return phase === "paused" ? warningColour("=") : spinner(now);
}

function describeStep({ phase, phaseAt, measuredMs, plan, end }: Canary, now: number): string {
  const measured = `${formatDuration(measuredMs)} of ${formatDuration(plan.everyMs)}`;
  const since = formatDuration(Math.max(0, now - phaseAt));
  if (end) return measured;
  switch (phase) {
    case "preparing":
    case "over":
      return "";
    case "switching":
      return "until every proxy goes by it";
    case "measuring":
      return measured;
    case "waiting":
      return `waits for more to tell by, since ${since}`;
    case "paused":
      return `paused since ${since}, after ${measured}`;
    default:
      return phase satisfies never;
  }
}

function detail({ phase, text, end }: Canary): string[] {
  // A sentence about failures and one about latency: on one line a terminal of 80 columns shows the first only.
  return phase === "switching" || end ? [] : plainText(text).split("; ");
}

function spinner(now: number): string {
  return frames[Math.floor(Math.max(0, now) / frameMs) % frames.length] ?? frames[0];
}
