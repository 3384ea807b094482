/** One release, and what lies between two of them. */
import {
  formatSelector,
  shortCommit,
  type ClusterEvent,
  type ConfigChange,
  type ReleaseDetail,
  type ReleaseDifference,
  type ReleaseSummary,
  type Service,
} from "@propagit/protocol";
import { badColour, dimColour, goodColour, headColour } from "./colour.js";
import { formatDuration, formatMoment } from "./duration.js";
import { describeOutcome } from "./progress.js";
import { formatCount } from "./quantity.js";
import { inEnvironment } from "./route.js";
import { padTo, plainText, widthOf } from "./text-width.js";

/** `current`, `ready`, `building`, `failed`, … */
export function formatReleaseState({ state, phase, current }: ReleaseSummary): string {
  if (state === "deploying") return phase ?? state;
  return current ? "current" : state;
}

export function colourRelease({ state, current }: ReleaseSummary, text: string): string {
  if (state === "failed" || state === "cancelled") return badColour(text);
  return current ? goodColour(text) : text;
}

/** Everything of one release, each part below a head of its own. */
export function formatRelease(
  { summary, specification, config, phases, drones }: ReleaseDetail,
  events: readonly ClusterEvent[],
): string {
  return [
    formatSummary(summary),
    section("services", aligned(specification.services.map(formatService))),
    section("settings", config.map(formatConfigChange)),
    section("phases", aligned(phases.map(({ phase, tookMs }) => [phase, formatDuration(tookMs)]))),
    section(
      "drones",
      aligned(drones.map((drone) => [drone.drone, describeOutcome(drone)])).flatMap(
        (line, index) => [line, ...formatLastLines(drones[index]?.lastLines)],
      ),
    ),
    section(
      "events",
      events.map(({ at, text }) => `${dimColour(formatMoment(at))}  ${plainText(text)}`),
    ),
  ].join("");
}

function formatSummary(release: ReleaseSummary): string {
  const { repo, environment, number, commit, subject, by, at, tookMs, reason } = release;
  const head = headColour(`${repo}${inEnvironment(environment)}, release ${number}`);
  const rows: readonly (readonly [string, string])[] = [
    ["state", colourRelease(release, formatReleaseState(release))],
    ...(reason === undefined ? [] : [["reason", plainText(reason)] as const]),
    ["commit", commit],
    ["message", plainText(subject)],
    ["kind", release.from === undefined ? release.kind : `rollback to release ${release.from}`],
    ["by", plainText(by)],
    ["when", formatMoment(at)],
    ...(tookMs === undefined ? [] : [["took", formatDuration(tookMs)] as const]),
    ["runs", `${release.presence}${release.pinned ? ", pinned" : ""}`],
    ["deployment", release.deployment],
  ];
  return `${head}\n${rows.map(([name, value]) => `  ${name.padEnd(10)}  ${value}\n`).join("")}`;
}

function formatLastLines(lines: readonly string[] = []): readonly string[] {
  return lines.map((line) => dimColour(`  | ${plainText(line)}`));
}

type Pair = readonly [name: string, text: string];

/** Names in a column as wide as the longest, and what there is to say behind it. */
function aligned(pairs: readonly Pair[]): string[] {
  const width = pairs.reduce((widest, [name]) => Math.max(widest, widthOf(name)), 0);
  return pairs.map(([name, text]) => `${padTo(name, width)}  ${text}`);
}

function formatService({ name, instances, on, command }: Service): Pair {
  const isEach = instances.per === "drone";
  const count = `${instances.count} ${isEach ? "on each drone" : "in total"}`;
  const labels = `${isEach ? "" : " on drones"} with ${formatSelector(on)}`;
  const where = on.length === 0 ? "" : labels;
  return [name, `${count}${where}: ${plainText(formatCommand(command))}`];
}

/** As somebody would have written it. */
function formatCommand(command: readonly string[]): string {
  const [shell, flag, script] = command;
  const isScript = shell === "/bin/sh" && flag === "-c" && command.length === 3;
  return isScript ? (script ?? "") : command.join(" ");
}

export function formatDifference(difference: ReleaseDifference): string {
  const { from, to, commits, files, config, more } = difference;
  const head = headColour(
    `${to.repo}${inEnvironment(to.environment)}: release ${from.number} (${shortCommit(from.commit)}) to ${to.number} (${shortCommit(to.commit)})`,
  );
  const parts = [
    section(
      "commits",
      commits.map(({ commit, author, subject, back }) => {
        const line = `${shortCommit(commit)} ${plainText(subject)} (${plainText(author)})`;
        return back ? badColour(`- ${line}`) : goodColour(`+ ${line}`);
      }),
    ),
    section(
      "files",
      files.map(({ path, change, lines }) => `${signs[change]} ${plainText(path)}  ${lines}`),
    ),
    section("settings", config.map(formatConfigChange)),
  ].join("");
  const same = parts === "" ? "  nothing differs\n" : "";
  const rest = more ? `  there is more than is listed here; see it with git diff\n` : "";
  return `${head}\n${parts}${same}${rest}`;
}

const signs = { added: "+", changed: "~", removed: "-" } as const;

function formatConfigChange({ name, change, secret }: ConfigChange): string {
  return `${signs[change]} ${name}${secret ? " (secret)" : ""}`;
}

/** A head with its count, and the lines below it; nothing when there are none. */
function section(name: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const count = lines.length > 20 ? ` (${formatCount(lines.length, "line")})` : "";
  return `  ${name}${count}\n${lines.map((line) => `    ${line.trimEnd()}\n`).join("")}`;
}
