/** A propagit.yaml to begin with: what was found, and the rest as comments to take from. */
import type { Found, FoundService } from "./found.js";

export interface NewManifest {
  readonly found: Found;
  /** The branch whose pushes go to production. */
  readonly branch: string;
  /** Where editors find the schema. */
  readonly schema: string;
}

export function manifestText({ found, branch, schema }: NewManifest): string {
  const lines = [
    `# yaml-language-server: $schema=${schema}`,
    "# What this repository consists of, and how it runs. Check it with: propagit check",
    "",
    "services:",
    ...found.services.flatMap((service, index) => serviceLines(service, index === 0, found.env)),
    "",
    ...buildLines(found),
    ...releaseLines(found),
    "# A gate: when it fails, the old release stays.",
    "# test: npm test",
    "",
    "# A push to this branch is deployed.",
    "deploy:",
    `  ${key(branch)}: production`,
    "  # next: staging",
    "",
    "# What differs, by environment; null takes something away.",
    "# environments:",
    "#   staging:",
    "#     env: { LOG: debug }",
    "",
    "# Host names beside the repository's own.",
    "# routes: [www.example.com]",
    "",
    "# How many releases stay on disk, how many former ones go on running, how long any does.",
    "# keep: { releases: 5, warm: 1, for: 24h }",
  ];
  return `${lines.join("\n")}\n`;
}

function serviceLines(
  { name, command, listens }: FoundService,
  isFirst: boolean,
  env: Found["env"],
): readonly string[] {
  const own = [
    `  ${key(name)}:`,
    `    command: ${text(command)}`,
    ...(listens ? [] : ["    port: none"]),
    ...Object.entries(env ?? {}).map(
      ([variable, value]) => `    env: { ${variable}: ${text(value)} }`,
    ),
  ];
  if (!isFirst) return own;
  return [
    ...own,
    "    # instances: 2              # on each drone, or `3 total`",
    '    # on: "role=web, !gpu"      # labels of the drones it runs on',
    "    # health: /up               # GET it every 10s; without it, listening is enough",
    "    # stop: 30s                 # from SIGTERM to SIGKILL",
    "    # env: { LOG: info }        # passwords go to: propagit secrets set",
    "    # limits: { memory: 512M }",
  ];
}

function buildLines({ build }: Found): readonly string[] {
  const about = "# Run once for a commit; what it makes is part of what every drone gets.";
  if (!build) return [about, "# build: npm ci && npm run build", ""];
  const cache = build.cache.length > 0 ? [`  cache: [${build.cache.map(text).join(", ")}]`] : [];
  return [about, "build:", `  command: ${text(build.command)}`, ...cache, ""];
}

function releaseLines({ release }: Found): readonly string[] {
  const about = "# Run once for a release, before any instance starts.";
  return [about, release === undefined ? "# release: ./migrate" : `release: ${text(release)}`, ""];
}

/** A text as YAML takes it on one line: bare where it cannot be mistaken for anything else. */
function text(value: string): string {
  const isBare = /^[A-Za-z./][\w ./=@%+&-]*$/.test(value) && !value.endsWith(" ");
  return isBare && !/^(?:true|false|null)$/i.test(value) ? value : JSON.stringify(value);
}

function key(name: string): string {
  return /^[A-Za-z][\w./-]*$/.test(name) ? name : JSON.stringify(name);
}
