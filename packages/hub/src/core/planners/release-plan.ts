/**
 * The plan of a release:
 *
 *     open ── build ── test ── release step ── start ── visitors | end
 *              (those that its manifest has)   (or several waves)
 *
 *     whatever fails: undo
 *
 * Made of nothing but what a release says of itself, so it is the same whenever it is made. What was done
 * already when its turn comes, as what a former release built, its tasks tell as `unchanged`.
 */
import { shortCommit } from "@propagit/protocol";
import { readPlan, type Plan, type TaskDraft } from "@propagit/plan";
import { formatDuration } from "@propagit/shapes";
import { hubCommands } from "../../plan-commands/hub-commands.js";
import type { ReleaseRow } from "../rows.js";

export type PlannedRelease = Pick<
  ReleaseRow,
  | "repo"
  | "environment"
  | "number"
  | "commit"
  | "deployment"
  | "kind"
  | "from"
  | "specification"
  | "artifact"
> & {
  /** Whether visitors are sent to it; absent: as its manifest says. */
  readonly promote?: boolean;
  /** Drones that begin together, in their order; absent: all that fit at once. */
  readonly waves?: readonly ReleaseWave[];
  /** Its instances run, and are restarted. */
  readonly restarts?: boolean;
};

export interface ReleaseWave {
  readonly name: string;
  /** By name. */
  readonly drones: readonly string[];
  /** From the end of the wave before. */
  readonly afterMs?: number;
}

/** As it is written, for whoever goes on with it. */
export interface ReleaseDraft {
  readonly name: string;
  readonly stages: readonly StageDraft[];
  readonly rollback: { readonly stages: readonly StageDraft[] };
}

interface StageDraft {
  readonly name: string;
  readonly onFailure?: "rollback";
  readonly after?: string;
  readonly tasks: readonly (TaskDraft | readonly TaskDraft[])[];
}

export function releasePlan(release: PlannedRelease): Plan {
  return readPlan({ maker: "the plan of a release", value: releaseDraft(release) }, hubCommands);
}

export function releaseDraft(release: PlannedRelease): ReleaseDraft {
  const { repo, environment, number, promote, waves } = release;
  const words = { repo, environment, release: number };
  const task = (command: string): TaskDraft => ({ command, ...words });
  return {
    name: nameOf(release),
    stages: [
      stage("open", [opening(release, words)]),
      ...tasksOf(release).map(({ name, command }) => stage(name, [task(command)])),
      ...distributing(release, words),
      ...(waves ?? [undefined]).map((wave, at) => starting(release, words, { wave, at })),
      promote === false
        ? stage("end", [task("close-release")])
        : stage("visitors", [task("shift-traffic")]),
    ],
    rollback: { stages: [{ name: "undo", tasks: [task("undo-release")] }] },
  };
}

interface Words {
  readonly repo: string;
  readonly environment: string;
  readonly release: number;
}

/** How the list of plans calls it. */
function nameOf({ repo, environment, commit, kind }: PlannedRelease): string {
  const what = shortCommit(commit);
  switch (kind) {
    case "deploy":
      return `deploy ${repo} ${what} to ${environment}`;
    case "rollback":
      return `roll back ${repo} to ${what} in ${environment}`;
    case "config":
      return `configure ${repo} ${what} in ${environment}`;
    case "scale":
      return `scale ${repo} ${what} in ${environment}`;
    default:
      return kind satisfies never;
  }
}

function opening({ kind, commit, deployment, from, promote }: PlannedRelease, words: Words) {
  return {
    command: "open-release",
    ...words,
    kind,
    commit,
    deployment,
    ...(from !== undefined && { from }),
    ...(promote !== undefined && { promote }),
  };
}

/** A rollback has been through all of it, and the number of instances changes nothing of it. */
function tasksOf({ kind, specification, artifact }: PlannedRelease) {
  const { build, test, release } = specification;
  const isDeploy = kind === "deploy";
  return [
    { name: "build", command: "build", isHad: build && kind !== "scale" && artifact === undefined },
    { name: "test", command: "test", isHad: test && isDeploy },
    {
      name: "release step",
      command: "release-step",
      isHad: release && (isDeploy || kind === "config"),
    },
  ].filter(({ isHad }) => isHad);
}

/** Drones of later waves fetch it before the first begins, so that each wave only has to start it. */
function distributing(
  { waves = [], restarts = false }: PlannedRelease,
  words: Words,
): readonly StageDraft[] {
  const drones = waves.slice(1).flatMap((wave) => wave.drones);
  if (restarts || drones.length === 0) return [];
  return [stage("distribute", [{ command: "distribute-release", ...words, drones }])];
}

function starting(
  { restarts = false }: PlannedRelease,
  words: Words,
  { wave, at }: { readonly wave: ReleaseWave | undefined; readonly at: number },
): StageDraft {
  const on = { ...words, ...(wave && { drones: wave.drones }) };
  const commands = ["start", ...(restarts ? ["restart-release"] : []), "wait-healthy"];
  const line = commands.map((command) => ({ command, ...on }));
  const name = wave ? `start ${at + 1}: ${wave.name}` : "start";
  const after = wave?.afterMs ? { after: formatDuration(wave.afterMs) } : {};
  return { ...stage(name, [line]), ...after };
}

function stage(name: string, tasks: StageDraft["tasks"]): StageDraft {
  return { name, onFailure: "rollback", tasks };
}
