/** What git says of commits before they are packed. Each question is bounded in time and in what it reads. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { ArtifactStep } from "../artifacts.js";
import { runGit, type GitSettings } from "./git-command.js";

const bytesMsMax = 10_000;
const rootsMax = 10_000;
const withoutReplacements = { GIT_NO_REPLACE_OBJECTS: "1" } as const;

/** Those that are there, and commits. */
export async function knownCommits(
  settings: GitSettings,
  folder: string,
  commits: readonly string[],
): Promise<ReadonlySet<string>> {
  const args = [`--git-dir=${folder}`, "cat-file", "--batch-check=%(objectname) %(objecttype)"];
  const input = commits.map((commit) => `${commit}\n`).join("");
  const { exitCode, stdout, stderr } = await runGit(settings, args, { input });
  if (exitCode !== 0) throw new PropagitError("DATA_UNUSABLE", `${folder}: ${stderr.trim()}`);
  const found = [...stdout.matchAll(/^([0-9a-f]+) commit$/gm)].map(([, commit = ""]) => commit);
  return new Set(found);
}

/**
 * Bytes that the objects of a step take in the repository: what a pack of them takes, but for deltas that are
 * made anew. Undefined when git is too old (2.31), or it takes too long.
 */
export async function estimatePack(
  settings: GitSettings,
  folder: string,
  { commit, base }: ArtifactStep,
): Promise<number | undefined> {
  const what = [commit, ...(base === undefined ? [] : [`^${base}`])];
  const args = [`--git-dir=${folder}`, "rev-list", "--disk-usage", "--use-bitmap-index"];
  args.push("--objects", ...what);
  const options = { limitMs: bytesMsMax, env: withoutReplacements };
  const { exitCode, stdout } = await runGit(settings, args, options);
  return exitCode === 0 && /^\d+$/.test(stdout.trim()) ? Number(stdout) : undefined;
}

/** Whether the history of one of these commits ends where a shallow clone, which pushed it, had no more. */
export async function isShallowHistory(
  settings: GitSettings,
  folder: string,
  commits: readonly string[],
): Promise<boolean> {
  const cuts = await shallowCuts(folder);
  if (cuts.size === 0) return false;
  const roots = ["rev-list", "--max-parents=0", `--max-count=${rootsMax}`, ...commits];
  const { exitCode, stdout } = await runGit(settings, [`--git-dir=${folder}`, ...roots], {
    limitMs: bytesMsMax,
  });
  // What cannot be told is carried by git, which knows.
  return exitCode !== 0 || stdout.split("\n").some((root) => cuts.has(root));
}

async function shallowCuts(folder: string): Promise<ReadonlySet<string>> {
  try {
    const text = await readFile(join(folder, "shallow"), "utf8");
    return new Set(text.split("\n").filter((line) => line !== ""));
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return new Set();
    throw new PropagitError("DATA_UNUSABLE", `${folder} cannot be read: ${String(thrown)}`);
  }
}
