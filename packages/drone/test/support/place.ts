/** A drone's data folder and repositories to fetch from, without a drone; all gone afterwards. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { nodeRandom } from "@propagit/runtime";
import { GitCommits } from "../../src/system/commits.js";
import type { CommitName, GitSource } from "../../src/world.js";
import { runGit } from "./run-git.js";

export interface Place {
  readonly base: string;
  /** The drone's data folder. */
  readonly folder: string;
  readonly commits: GitCommits;
  /** Where files are changed and committed. */
  readonly work: string;
  /** A bare repository that stands for the hub's. */
  readonly hub: string;
  readonly source: () => Promise<GitSource>;
  /** Commits these files, `-> TARGET` as a link, `#!` as executable; pushed to the hub. */
  readonly commit: (files: Readonly<Record<string, string>>) => Promise<string>;
  readonly name: (commit: string) => CommitName;
}

export async function openPlace(
  t: TestContext,
  options: { packDelayMs?: number; folder?: string } = {},
): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), "propagit-place-"));
  t.after(() => rm(base, { recursive: true, force: true, maxRetries: 5 }));
  const [work, hub] = [join(base, "work"), join(base, "hub.git")];
  const folder = options.folder ?? join(base, "drone");
  await mkdir(work);
  await runGit(work, "init", "-q", "-b", "main");
  await runGit(work, "init", "-q", "--bare", "-b", "main", hub);
  return {
    base,
    folder,
    work,
    hub,
    commits: new GitCommits(folder, nodeRandom, options),
    source: () => Promise.resolve({ url: `file://${hub}`, password: undefined }),
    name: (commit) => ({ repo: "webapp", commit }),
    async commit(files) {
      for (const [name, content] of Object.entries(files)) await put(join(work, name), content);
      await runGit(work, "add", "-A", "-f");
      await runGit(work, "commit", "-q", "--allow-empty", "-m", "a change");
      await runGit(work, "push", "-q", "-f", hub, "HEAD:refs/heads/main");
      return (await runGit(work, "rev-parse", "HEAD")).trim();
    },
  };
}

/** Writes a file as `Place.commit` does. */
export async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  if (content.startsWith("-> ")) return symlink(content.slice("-> ".length), path);
  await writeFile(path, content);
  if (content.startsWith("#!")) await chmod(path, 0o755);
}
