/** Whose output a file holds; beside the file, so that it is known when the instance is long gone. */
import type { LogLine, LogQuery } from "@propagit/protocol";
import type { InstanceNote } from "../world.js";

export interface LogLabel {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  readonly deployment: string;
  readonly service: string;
  readonly slot: number;
  readonly process: string;
  /** The release that it ran for from a time on: a deployment may serve several, one after the other. */
  readonly releases: readonly { readonly at: number; readonly release: number }[];
}

/** A line without the name of its drone, which only the drone knows. */
export type StoredLine = Omit<LogLine, "drone">;

const releasesMax = 100;

export function labelOf(note: InstanceNote, at: number, before?: LogLabel): LogLabel {
  const { repo, environment, commit, deployment, service, slot, process, release } = note;
  const known = before?.releases ?? [];
  const isNew = known.at(-1)?.release !== release;
  const releases = isNew ? [...known, { at, release }].slice(-releasesMax) : known;
  return { repo, environment, commit, deployment, service, slot, process, releases };
}

function releaseAt({ releases }: LogLabel, at: number): number {
  return (releases.findLast((it) => it.at <= at) ?? releases[0])?.release ?? 0;
}

/** Whether a file may hold lines that are asked for; of which release a line is, its time tells. */
export function isWanted(label: LogLabel, query: LogQuery): boolean {
  const { repo, environment, release, deployments, services, processes } = query;
  return (
    (repo === undefined || label.repo === repo) &&
    (environment === undefined || label.environment === environment) &&
    (deployments === undefined || deployments.includes(label.deployment)) &&
    (services === undefined || services.includes(label.service)) &&
    (processes === undefined || processes.includes(label.process)) &&
    (release === undefined || label.releases.some((it) => it.release === release))
  );
}

export function lineOf(label: LogLabel, at: number, text: string): StoredLine {
  const { repo, environment, commit, service, slot, process } = label;
  const release = releaseAt(label, at);
  return { at, repo, environment, release, commit, service, slot, process, text };
}

export function parseLabel(value: unknown): LogLabel | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const label = value as Readonly<Record<keyof LogLabel, unknown>>;
  const texts = ["repo", "environment", "commit", "deployment", "service", "process"] as const;
  const isWhole =
    texts.every((key) => typeof label[key] === "string") &&
    typeof label.slot === "number" &&
    Array.isArray(label.releases) &&
    label.releases.every(isRelease);
  return isWhole ? (value as LogLabel) : undefined;
}

function isRelease(value: unknown): boolean {
  const { at, release } = (value ?? {}) as { at?: unknown; release?: unknown };
  return typeof at === "number" && typeof release === "number";
}
