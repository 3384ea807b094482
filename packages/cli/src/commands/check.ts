import { resolve } from "node:path";
import {
  formatSelector,
  PropagitError,
  type Service,
  type Specification,
} from "@propagit/protocol";
import {
  checkManifest,
  isEnvironmentName,
  specificationOf,
  type Manifest,
} from "@propagit/manifest";
import { checkRelays, readTargets, timeText } from "@propagit/plan";
import { formatProblem, type Problem } from "@propagit/shapes";
import { Command } from "commander";
import { shortEnvironment } from "../environment-flag.js";
import { examples } from "../examples.js";
import { print, printJson } from "../output/print.js";
import { formatTable, type Column } from "../output/table.js";
import { folderFiles, readManifestFiles } from "../project/folder-files.js";
import { missingScripts } from "../project/missing-scripts.js";

interface CheckFlags {
  readonly environment?: string;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  const command = new Command("check")
    .summary("check a project's propagit.yaml before it is pushed")
    .description(
      "Checks propagit.yaml, or the Procfile or package.json that take its place, and prints what would run. The hub checks the same on each push.",
    )
    .argument("[folder]", "the project", ".")
    .option("-e, --environment <name>", "this environment only, also --env")
    .addOption(shortEnvironment())
    .option("--json", "print what would run as JSON, by environment");
  return examples(command, ["propagit check", "propagit check webapp -e staging"]).action(runCheck);
}

function runCheck(folder: string, flags: CheckFlags): void {
  const files = readManifestFiles(resolve(folder));
  const checked = checkManifest(files);
  if (!checked.ok) throw refusal(checked.problems, files);
  checkTargets(files);
  const { manifest } = checked;
  const environments = chosen(manifest, flags.environment);
  const specifications = environments.map(
    (name) => [name, specificationOf(manifest, name)] as const,
  );
  warn(manifest, specifications, folder);
  if (flags.json) printJson(Object.fromEntries(specifications));
  else if (manifest.source === undefined) print(nothingSaid);
  else {
    print(`${manifest.source} is right\n`);
    for (const [name, specification] of specifications)
      print(describe(name, specification, manifest));
  }
}

/** What a release has nothing to do with stands there as well. @throws BAD_TARGET */
function checkTargets(files: ReadonlyMap<string, string>): void {
  const text = files.get(manifestFile);
  if (text !== undefined) checkRelays(readTargets({ file: manifestFile, text }));
}

const manifestFile = "propagit.yaml";

const nothingSaid =
  "nothing here says what runs, so drones with a command of their own run that\n" +
  "write a propagit.yaml: propagit init\n";

function chosen(manifest: Manifest, name: string | undefined): readonly string[] {
  if (name === undefined) return manifest.environments;
  if (isEnvironmentName(name)) return [name];
  throw new PropagitError("BAD_NAME", `environment name \`${name.slice(0, 60)}\` is not allowed`);
}

/** Every problem with the line it is on. */
function refusal(problems: readonly Problem[], files: ReadonlyMap<string, string>): PropagitError {
  const shownMax = 20;
  const shown = problems.slice(0, shownMax).map((problem) => {
    return `${formatProblem(problem)}\n${excerpt(problem, files.get(problem.file) ?? "")}`;
  });
  const rest = problems.length - shown.length;
  const more = rest > 0 ? [`and ${rest} more`] : [];
  return new PropagitError("BAD_MANIFEST", [...shown, ...more].join("\n"), {
    hint: "docs/manifest.md says what can be written, docs/propagit.schema.json tells editors",
  });
}

/** The line, and a caret below the place; long lines are cut around it. */
function excerpt({ line, column }: Problem, text: string): string {
  const width = 100;
  const whole = (text.split("\n")[line - 1] ?? "").replaceAll(/\p{Cc}/gu, " ");
  const from = Math.max(0, column - 1 - width / 2);
  const shown = whole.slice(from, from + width).trimEnd();
  const number = String(line);
  const caret = " ".repeat(number.length + 3 + column - 1 - from);
  return `  ${number} | ${shown}\n  ${caret}^`;
}

function warn(
  manifest: Manifest,
  specifications: readonly (readonly [string, Specification])[],
  folder: string,
): void {
  const files = folderFiles(resolve(folder));
  const missing = specifications.flatMap(([, specification]) =>
    missingScripts(specification, (path) => files.has(path)).map(
      ({ where, file }) => `${where} runs ${file}, which is not in ${folder}`,
    ),
  );
  for (const text of new Set([...manifest.warnings, ...missing])) {
    process.stderr.write(`warning: ${text}\n`);
  }
}

function describe(name: string, specification: Specification, manifest: Manifest): string {
  const { services, build, test, release, routes, keep } = specification;
  const branches = manifest.branches.filter(({ environment }) => environment === name);
  const tasks = Object.entries({ build, test, release }).flatMap(([task, one]) =>
    one ? [`${task}: ${formatCommand(one.command)}`] : [],
  );
  const lines = [
    branches.length > 0 ? `pushes to ${branches.map(({ branch }) => branch).join(", ")}` : "",
    ...tasks,
    routes.length > 0
      ? `hosts: ${routes.map(({ host, path = "" }) => host + path).join(", ")}`
      : "",
    ...formatWaves(specification),
    keep ? `keeps ${keep.releases} releases, ${keep.warm} of them warm` : "",
  ].filter((line) => line !== "");
  const table = services.length > 0 ? formatTable(columns, services) : "no services\n";
  return `\n${name}\n${indented(table)}${indented(lines.map((line) => `${line}\n`).join(""))}`;
}

const columns: readonly Column<Service>[] = [
  { head: "SERVICE", cell: ({ name }) => name },
  {
    head: "INSTANCES",
    cell: ({ instances: { count, per } }) => `${count} ${per === "total" ? "total" : "per drone"}`,
  },
  { head: "ON", cell: ({ on }) => formatSelector(on) || "every drone" },
  { head: "PORT", cell: ({ ports }) => formatPorts(ports) },
  { head: "READY", cell: formatReady },
  { head: "COMMAND", cut: "early", cell: ({ command }) => formatCommand(command) },
];

function formatPorts(ports: Service["ports"]): string {
  const parts = ports.map(({ name, port = "auto" }) =>
    ports.length === 1 ? `${port}` : `${name}:${port}`,
  );
  return parts.join(",") || "none";
}

function formatReady({ health, ready }: Service): string {
  if (!health) return ready;
  const { check } = health;
  switch (check.kind) {
    case "http":
      return `GET ${check.path}`;
    case "tcp":
    case "command":
      return check.kind;
    default:
      return check satisfies never;
  }
}

/** In which order drones get a release, and what stays up meanwhile. */
function formatWaves({ waves, services }: Specification): readonly string[] {
  const kept = services.flatMap(({ name, minUp }) => {
    if (!minUp) return [];
    const many = "percent" in minUp ? `${minUp.percent}%` : `${minUp.instances}`;
    return [`${name} ${many}`];
  });
  const canary = waves?.canary === undefined ? [] : [`canary ${waves.canary}`];
  const order = [...canary, ...(waves?.by ? [formatBy(waves.by)] : [])];
  const after = waves?.afterMs ? `, each ${timeText(waves.afterMs)} after the one before` : "";
  return [
    ...(order.length > 0 ? [`waves: ${order.join(", then ")}${after}`] : []),
    ...(kept.length > 0 ? [`stay up: ${kept.join(", ")}`] : []),
  ];
}

function formatBy(by: NonNullable<NonNullable<Specification["waves"]>["by"]>): string {
  switch (by.kind) {
    case "once":
      return "all";
    case "label":
      return `by ${by.key}`;
    case "percent":
      return by.steps.map((step) => `${step}%`).join(", ");
    case "min-up":
      return `at least ${by.minUp} drones left alone`;
    default:
      return by satisfies never;
  }
}

function formatCommand(command: readonly string[]): string {
  const [shell, flag, line] = command;
  const text = shell === "/bin/sh" && flag === "-c" ? (line ?? "") : command.join(" ");
  const first = text.replaceAll(/\s+/g, " ");
  return first.length > 60 ? `${first.slice(0, 59)}…` : first;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
