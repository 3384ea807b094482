/** Rules of traffic in a table's cell, in the units that they are written in. */
import { wordOfRule } from "@propagit/manifest";
import type { Condition, HeaderEdits, HostRoute, Rules } from "@propagit/protocol";
import { formatBytes, formatCount, formatNames, formatPercent } from "./quantity.js";
import { formatDuration } from "./duration.js";

/** One rule's value; `no` when it is not said. */
export function formatRule(rules: Rules, rule: keyof Rules): string {
  switch (rule) {
    case "pause":
      return rules.pause
        ? `requests wait for up to ${formatDuration(rules.pause.limitMs)}`
        : notSaid;
    case "maintenance":
      return rules.maintenance ? firstLine(rules.maintenance.text) : notSaid;
    case "allow":
    case "deny": {
      const networks = rules[rule];
      return networks ? formatNames(networks) || "nobody" : notSaid;
    }
    case "users":
      return rules.users ? formatNames(rules.users.map(({ name }) => name)) : notSaid;
    case "bodyBytesMax":
      return rules.bodyBytesMax === undefined ? notSaid : formatBytes(rules.bodyBytesMax);
    case "rate":
      return formatRate(rules.rate);
    case "timeouts":
      return formatTimeouts(rules.timeouts);
    case "retries":
      return rules.retries
        ? `${rules.retries.attempts}, up to ${formatPercent(rules.retries.budgetPercent)} of requests`
        : notSaid;
    case "visitor":
      return formatVisitor(rules.visitor);
    case "slowStartMs":
      return rules.slowStartMs === undefined ? notSaid : formatDuration(rules.slowStartMs);
    case "hsts":
      return formatHsts(rules.hsts);
    case "requestHeaders":
    case "answerHeaders":
      return formatEdits(rules[rule]);
    case "pins":
    case "stickyInstance":
    case "httpsOnly":
      return rules[rule] === undefined ? notSaid : rules[rule] ? "yes" : "no";
    default:
      return rule satisfies never;
  }
}

/** Taken from the manifest's by hand. */
const notSaid = "off";

/** `service api, /v1 becomes /`, or where it redirects to. */
export function formatDestination({ service, path = "/", rewrite, redirect, rules }: HostRoute) {
  if (redirect) return `redirect to ${redirect.to} (${redirect.status})`;
  const parts = [
    ...(service === undefined ? [] : [`service ${service}`]),
    ...(rewrite === undefined ? [] : [`${path} becomes ${rewrite}`]),
    ...(rules ? Object.keys(rules).map((rule) => formatNamed(rules, rule as keyof Rules)) : []),
  ];
  return parts.join(", ") || "as the repository";
}

/** `rate 20/s for each address` */
function formatNamed(rules: Rules, rule: keyof Rules): string {
  return `${wordOfRule(rule)} ${formatRule(rules, rule)}`;
}

/** `header x-team=qa and percent 10`, as it is written. */
export function formatCondition({ header, cookie, percent }: Condition): string {
  const named = (kind: string, asked: NonNullable<Condition["header"]> | undefined) =>
    asked ? [`${kind} ${asked.name}${asked.values ? `=${asked.values.join(",")}` : ""}`] : [];
  return [
    ...named("header", header),
    ...named("cookie", cookie),
    ...(percent === undefined ? [] : [`percent ${percent}`]),
  ].join(" and ");
}

function formatRate(rate: Rules["rate"]): string {
  if (!rate) return notSaid;
  const by = rate.by === "header" ? `value of ${rate.header ?? ""}` : rate.by;
  return `${formatPerTime(rate.perSecond)} for each ${by}, ${rate.burst} at once`;
}

/** In the unit in which it is a whole number, if there is one. */
function formatPerTime(perSecond: number): string {
  const units = [
    ["s", 1],
    ["m", 60],
    ["h", 3_600],
  ] as const;
  for (const [unit, seconds] of units) {
    const count = Math.round(perSecond * seconds * 1_000) / 1_000;
    if (Number.isInteger(count) && count > 0) return `${count}/${unit}`;
  }
  return `${Number(perSecond.toPrecision(3))}/s`;
}

function formatTimeouts(timeouts: Rules["timeouts"]): string {
  if (!timeouts) return notSaid;
  const { connectMs, headMs, idleMs } = timeouts;
  const parts = [
    ["connect", connectMs],
    ["head", headMs],
    ["idle", idleMs],
  ] as const;
  return parts
    .flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${formatDuration(ms)}`]))
    .join(", ");
}

function formatVisitor(visitor: Rules["visitor"]): string {
  if (!visitor) return notSaid;
  const { header, cookie } = visitor;
  const parts = [
    ...(header === undefined ? [] : [`header ${header}`]),
    ...(cookie === undefined ? [] : [`cookie ${cookie}`]),
  ];
  return parts.join(", then ");
}

function formatHsts(hsts: Rules["hsts"]): string {
  if (!hsts) return notSaid;
  const days = hsts.maxAgeSeconds / 86_400;
  const age = Number.isInteger(days) ? formatCount(days, "day") : `${hsts.maxAgeSeconds} s`;
  return [
    age,
    ...(hsts.includeSubdomains ? ["with subdomains"] : []),
    ...(hsts.preload ? ["preload"] : []),
  ].join(", ");
}

function formatEdits(edits: HeaderEdits | undefined): string {
  if (!edits) return notSaid;
  const set = Object.entries(edits.set ?? {}).map(([name, value]) => `${name}: ${value}`);
  const removed = edits.remove ?? [];
  return [...set, ...removed.map((name) => `without ${name}`)].join("; ") || "no changes";
}

function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
