/**
 * What commits say and hold, as git tells it: always in its NUL-terminated formats, since names of files
 * and people are whatever somebody pushed, and always bounded.
 */
import { PropagitError, shortCommit, type CommitHash } from "@propagit/protocol";
import type { CommitDescription, Comparison } from "../world.js";
import type { GitOptions, GitResult } from "./git-command.js";

/** Runs git in one repository. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<GitResult>;

/** A manifest of more is not written by people. */
const fileBytesMax = 1024 * 1024;
const subjectCharsMax = 300;
const authorCharsMax = 200;
/** Those of `ReleaseDifference`. */
const [commitsMax, filesMax, pathCharsMax] = [1_000, 5_000, 4_096];
/** Counting the lines that changed between distant commits may take long; without it the names are told. */
const countMsMax = 10_000;

/** @throws NO_COMMIT */
export async function readFiles(
  git: Git,
  commit: CommitHash,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const listing = ["ls-tree", "-z", "-l", "--full-tree", commit, "--", ...paths];
  const { exitCode, stdout } = await git(listing);
  if (exitCode !== 0) throw noCommit(commit);
  const files = new Map<string, string>();
  for (const { mode, id, bytes, path } of stdout.split("\0").flatMap(parseEntry)) {
    // A symbolic link (120000) could lead anywhere.
    if (!mode.startsWith("100") || bytes > fileBytesMax) continue;
    const blob = await git(["cat-file", "blob", id]);
    if (blob.exitCode === 0) files.set(path, blob.stdout);
  }
  return files;
}

/** @throws NO_COMMIT */
export async function describeCommit(git: Git, commit: CommitHash): Promise<CommitDescription> {
  const format = "--format=%s%x00%an%x00%at";
  const { exitCode, stdout } = await git(["log", "-1", "-z", format, "--end-of-options", commit]);
  if (exitCode !== 0) throw noCommit(commit);
  const [subject = "", author = "", seconds] = stdout.split("\0");
  return {
    subject: oneLine(subject, subjectCharsMax),
    author: oneLine(author, authorCharsMax),
    at: milliseconds(seconds),
  };
}

/** @throws NO_COMMIT */
export async function compareCommits(
  git: Git,
  from: CommitHash,
  to: CommitHash,
): Promise<Comparison> {
  const [commits, files] = await Promise.all([
    commitsBetween(git, from, to),
    filesBetween(git, from, to),
  ]);
  return {
    commits: commits.slice(0, commitsMax),
    files: files.slice(0, filesMax),
    more: commits.length > commitsMax || files.length > filesMax,
  };
}

/** @throws NO_COMMIT */
export async function sizeOfCommit(git: Git, commit: CommitHash): Promise<number> {
  let bytes = 0;
  let rest = "";
  const onOutput = (text: string) => {
    const entries = `${rest}${text}`.split("\0");
    rest = entries.pop() ?? "";
    for (const entry of entries.flatMap(parseEntry)) bytes += entry.bytes;
  };
  const listing = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit];
  const { exitCode } = await git(listing, { onOutput });
  if (exitCode !== 0) throw noCommit(commit);
  return bytes;
}

/** One more than is told, so that it is known whether there are more. */
async function commitsBetween(git: Git, from: CommitHash, to: CommitHash) {
  const { exitCode, stdout } = await git([
    "log",
    "-z",
    "--left-right",
    `--max-count=${commitsMax + 1}`,
    "--format=%m%x00%H%x00%an%x00%at%x00%s",
    "--end-of-options",
    `${from}...${to}`,
  ]);
  if (exitCode !== 0) throw noCommit(from);
  const fields = stdout.split("\0");
  const commits: Comparison["commits"] = [];
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [mark, commit = "", author = "", seconds, subject = ""] = fields.slice(at, at + 5);
    commits.push({
      commit,
      author: oneLine(author, authorCharsMax),
      at: milliseconds(seconds),
      subject: oneLine(subject, subjectCharsMax),
      back: mark === "<",
    });
  }
  return commits;
}

async function filesBetween(git: Git, from: CommitHash, to: CommitHash) {
  const diff = ["diff-tree", "-r", "-z", "--no-renames"];
  const commits = ["--end-of-options", from, to];
  const [raw, counts] = await Promise.all([
    git([...diff, "--name-status", ...commits]),
    git([...diff, "--numstat", ...commits], { limitMs: countMsMax }),
  ]);
  const lines = parseCounts(counts.stdout);
  // Of a list too long to be held the rest is missing; what is cut in the middle ends without NUL.
  const fields = raw.stdout.split("\0").slice(0, -1);
  const files: Comparison["files"] = [];
  for (let at = 0; at + 1 < fields.length && files.length <= filesMax; at += 2) {
    const [status = "", path = ""] = [fields[at], fields[at + 1]];
    files.push({
      path: path.slice(0, pathCharsMax),
      change: status === "A" ? "added" : status === "D" ? "removed" : "changed",
      lines: lines.get(path) ?? "",
    });
  }
  return files;
}

/** `+3 -1` by path. */
function parseCounts(output: string): ReadonlyMap<string, string> {
  const counts = new Map<string, string>();
  for (const record of output.split("\0").slice(0, -1)) {
    const match = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(record);
    if (!match) continue;
    const [, added, removed, path = ""] = match;
    counts.set(path, added === "-" ? "binary" : `+${added} -${removed}`);
  }
  return counts;
}

/** `<mode> <type> <id> <bytes>\t<path>` of `ls-tree -l`; folders have `-` for bytes. */
function parseEntry(record: string) {
  const match = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(record);
  if (!match) return [];
  const [, mode = "", id = "", bytes, path = ""] = match;
  return [{ mode, id, bytes: bytes === "-" ? 0 : Number(bytes), path }];
}

/** Foreign text that is shown in tables and terminals: no line ends, no escape sequences. */
function oneLine(text: string, charsMax: number): string {
  return text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, charsMax);
}

/** Of git's seconds, which may be nonsense in a foreign commit. */
function milliseconds(seconds: string | undefined): number {
  const value = Number(seconds) * 1_000;
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function noCommit(commit: CommitHash): PropagitError {
  return new PropagitError("NO_COMMIT", `the repository has no commit ${shortCommit(commit)}`);
}
