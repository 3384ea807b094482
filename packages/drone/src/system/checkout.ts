/**
 * Writes the files of a commit into a folder, and compares them with the commit: one part of them while the
 * next is being written, so that comparing costs hardly any time where there is more than one processor.
 *
 *     written   [ attributes, 1 ][ 2 ][ 3 ][ 4 ]
 *     compared                   [ 1 ][ 2 ][ 3 ][ 4 ]
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactEmail } from "../core/artifact-import.js";
import { checkFiles, type CheckoutCheck } from "./checkout-check.js";
import { git, type GitRun } from "./git.js";

const checkOutMsMax = 10 * 60_000;
/** Each part costs some runs of git, which takes as long as a few hundred files do. */
const partFilesMin = 500;
const partsMax = 4;
const listCharsMax = 256 * 2 ** 20;

export interface CheckOutRequest {
  readonly repo: string;
  readonly commit: string;
  /** Made here; empty or not there yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Beside the folder: an index of its own, so that two checkouts of one repository never meet, and whatever else
 * git needs. One folder, because a git that is ended leaves its locks and half-written files there too.
 */
export function scratchOf(folder: string): string {
  return `${folder}.scratch`;
}

const scratchPatience = { maxRetries: 5, retryDelay: 20 } as const;

/** @throws a readable reason, DATA_UNUSABLE when the disk is full, or a file is not what the commit says */
export async function writeFiles(request: CheckOutRequest): Promise<void> {
  const { repo, commit, folder, signal } = request;
  const scratch = scratchOf(folder);
  try {
    await mkdir(folder, { recursive: true });
    await mkdir(scratch, { recursive: true });
    const raw = join(scratch, "raw");
    const isRaw = await isArtifact(repo, commit, signal);
    if (isRaw) await makeRaw(repo, raw);
    await writeAndCheck(request, {
      GIT_DIR: isRaw ? raw : repo,
      GIT_OBJECT_DIRECTORY: join(repo, "objects"),
      GIT_WORK_TREE: folder,
      GIT_INDEX_FILE: join(scratch, "index"),
    });
  } finally {
    await rm(scratch, { recursive: true, force: true, ...scratchPatience });
  }
}

async function writeAndCheck(
  { commit, folder, signal }: CheckOutRequest,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const run: GitRun = { folder, signal: either, limitMs: checkOutMsMax, environment };
  const checks: Promise<void>[] = [];
  const wrong: unknown[] = [];
  try {
    await git(["read-tree", commit], run);
    const parts = await partsOf(run);
    for (const [number, entries] of parts.entries()) {
      await write(entries, parts.length, run);
      const check = checkPart({ commit, folder, run }, entries, number);
      checks.push(check);
      check.catch((thrown: unknown) => {
        wrong.push(thrown);
        stop.abort();
      });
    }
    await Promise.all(checks);
  } catch (thrown) {
    // What was wrong first, not what was given up because of that.
    throw wrong[0] ?? thrown;
  } finally {
    stop.abort();
    await Promise.allSettled(checks);
  }
}

/** An entry of an index as `ls-files --stage` shows it, each byte one character. */
type Entry = string;

/** Equal parts; whatever says how others come out is in the first. */
async function partsOf(run: GitRun): Promise<readonly (readonly Entry[])[]> {
  const text = await git(["ls-files", "--stage", "-z"], {
    ...run,
    outputCharsMax: listCharsMax,
    encoding: "latin1",
  });
  const all = text.split("\0").filter((entry) => entry !== "");
  const isAttributes = (entry: Entry) => /[\t/]\.gitattributes$/.test(entry);
  const entries = [...all.filter(isAttributes), ...all.filter((entry) => !isAttributes(entry))];
  const count = Math.min(partsMax, Math.max(1, Math.floor(entries.length / partFilesMin)));
  const size = Math.ceil(entries.length / count);
  return Array.from({ length: count }, (_, part) => entries.slice(part * size, (part + 1) * size));
}

async function write(entries: readonly Entry[], partCount: number, run: GitRun): Promise<void> {
  if (partCount === 1) {
    await git(["checkout-index", "--all", "--quiet"], run);
    return;
  }
  const paths = entries.map((entry) => entry.slice(entry.indexOf("\t") + 1));
  await git(["checkout-index", "--quiet", "-z", "--stdin"], { ...run, input: bytesOf(paths) });
}

/** With an index that knows of these files only. */
async function checkPart(
  { commit, folder, run }: CheckoutCheck,
  entries: readonly Entry[],
  number: number,
): Promise<void> {
  const index = join(scratchOf(folder), `index-${number}`);
  const own = { ...run, environment: { ...run.environment, GIT_INDEX_FILE: index } };
  await git(["update-index", "-z", "--index-info"], { ...own, input: bytesOf(entries) });
  await checkFiles({ commit, folder, run: own });
}

function bytesOf(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\0`).join(""), "latin1");
}

/** Attributes for a repository that are stronger than those of the files: bytes go in and out as they are. */
const rawAttributes = "* -text -ident -filter !working-tree-encoding\n";

/**
 * What a build left must come out as it was, whatever a `.gitattributes` in it says about line ends; the
 * files of a commit that somebody made come out as git does it everywhere.
 */
async function isArtifact(repo: string, commit: string, signal: AbortSignal): Promise<boolean> {
  const email = await git(["show", "--no-patch", "--format=%ce", commit], { folder: repo, signal });
  return email.trim() === artifactEmail;
}

/** A repository without objects of its own, whose attributes switch all others off. */
async function makeRaw(repo: string, raw: string): Promise<void> {
  const format = await git(["rev-parse", "--show-object-format"], { folder: repo });
  await git(["init", "--quiet", "--bare", "--template=", `--object-format=${format.trim()}`, raw], {
    folder: repo,
  });
  await mkdir(join(raw, "info"), { recursive: true });
  await writeFile(join(raw, "info", "attributes"), rawAttributes);
}
