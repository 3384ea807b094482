/** What a bare repository forgets: references to commits that nobody wants, then their objects. */
import { Readable } from "node:stream";
import { git } from "./git.js";

/** Where the commits that were fetched whole are noted. */
export const refPrefix = "refs/propagit/";

const listCharsMax = 16 * 1024 * 1024;
/** A repository that takes longer is packed another time. A guess. */
const packMsMax = 10 * 60_000;
/**
 * Younger objects stay: a fetch of a life before this one may still be writing them, and nothing points to
 * them until it is done.
 */
const youngest = "10.minutes.ago";

/** The commits that a repository was asked to keep, by their references. */
export async function keptCommits(repo: string): Promise<readonly string[]> {
  const text = await git(["for-each-ref", "--format=%(refname)", refPrefix], {
    folder: repo,
    outputCharsMax: listCharsMax,
  });
  return commitsIn(text);
}

/** Those of them that were made last come first. */
export async function newestCommits(repo: string, max: number): Promise<readonly string[]> {
  const order = ["--sort=-committerdate", `--count=${max}`];
  const text = await git(["for-each-ref", ...order, "--format=%(refname)", refPrefix], {
    folder: repo,
  });
  return commitsIn(text);
}

/** All at once, so that a crash leaves either all or none. */
export async function forgetCommits(repo: string, commits: readonly string[]): Promise<void> {
  const lines = commits.map((commit) => `delete ${refPrefix}${commit}\n`);
  await git(["update-ref", "--stdin"], { folder: repo, input: Readable.from(lines) });
}

/** Packs what is kept and removes what nothing points to any more. */
export async function packRepository(repo: string, signal: AbortSignal): Promise<void> {
  await git(["gc", "--quiet", `--prune=${youngest}`], {
    folder: repo,
    settings: { "gc.pruneExpire": youngest, "gc.reflogExpire": "now" },
    signal,
    limitMs: packMsMax,
  });
}

function commitsIn(refs: string): readonly string[] {
  const names = refs.split("\n").filter((name) => name !== "");
  return names.map((name) => name.slice(refPrefix.length));
}
