/** A route for people: where visitors go, which rules hold, and who says so. */
import { wordOfRule } from "@propagit/manifest";
import { shortCommit, type Experiment, type Origin, type RouteView } from "@propagit/protocol";
import { formatAge } from "./duration.js";
import { formatPercent } from "./quantity.js";
import { formatRoute } from "./route.js";
import { formatCondition, formatDestination, formatRule } from "./rules.js";
import { formatTable } from "./table.js";
import { plainText } from "./text-width.js";

export function formatRouteView(view: RouteView, now = Date.now()): string {
  return [
    formatRoute(view),
    ...rulesPart(view, now),
    ...hostsPart(view, now),
    ...view.experiments.map((experiment) => formatExperiment(experiment, now)),
    ...shadowPart(view, now),
  ].join("");
}

/** `experiment header: a 50 %, b 50 % (40548da); ann, 3m ago`, its rules below it. */
export function formatExperiment(experiment: Experiment, now = Date.now()): string {
  const { name, variants, rules = [], audience, by, since } = experiment;
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  const arms = variants.map(({ name: variant, weight, commit }) => {
    const where = commit === undefined ? "" : ` (${shortCommit(commit)})`;
    return `${variant} ${formatPercent((100 * weight) / total)}${where}`;
  });
  const origin: Origin = {
    from: "hand",
    ...(by !== undefined && { by }),
    ...(since !== undefined && { since }),
  };
  const lines = [
    `experiment ${name}: ${arms.join(", ")}; ${formatOrigin(origin, now)}`,
    ...(audience ? [`  only visitors with ${formatCondition(audience)}`] : []),
    ...rules.map(({ when, variant }) => `  ${variant} for ${formatCondition(when)}`),
  ];
  return lines.map((line) => `${plainText(line)}\n`).join("");
}

/** `ann@laptop, 3m ago`, or `manifest of release 12`. */
export function formatOrigin({ from, release, by, since }: Origin, now: number): string {
  if (from === "manifest")
    return release === undefined ? "manifest" : `manifest of release ${release}`;
  const ago = since === undefined ? "" : `, ${formatAge(now - since)} ago`;
  return `${by ?? "by hand"}${ago}`;
}

function rulesPart({ rules, origins }: RouteView, now: number): readonly string[] {
  if (origins.length === 0) return [];
  const table = formatTable(
    [
      { head: "RULE", cell: ({ rule }) => wordOfRule(rule) },
      { head: "VALUE", cell: ({ rule }) => plainText(formatRule(rules, rule)), cut: "late" },
      { head: "FROM", cell: ({ origin }) => plainText(formatOrigin(origin, now)) },
    ],
    origins,
  );
  return [table];
}

function hostsPart({ hosts }: RouteView, now: number): readonly string[] {
  if (hosts.length === 0) return [];
  const table = formatTable(
    [
      { head: "HOST", cell: ({ route }) => `${route.host}${route.path ?? ""}` },
      { head: "LEADS TO", cell: ({ route }) => plainText(formatDestination(route)), cut: "late" },
      { head: "FROM", cell: ({ origin }) => plainText(formatOrigin(origin, now)) },
    ],
    hosts,
  );
  return [table];
}

function shadowPart({ shadow: shadowed }: RouteView, now: number): readonly string[] {
  if (!shadowed) return [];
  const { shadow, origin } = shadowed;
  const what = `a copy of ${formatPercent(shadow.percent)} of the requests`;
  return [
    `${what} goes to ${shortCommit(shadow.commit)}; ${plainText(formatOrigin(origin, now))}\n`,
  ];
}
