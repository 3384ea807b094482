/**
 * Writes the pack of a commit into a file, and hashes it on the way:
 *
 *     git pack-objects --revs --stdout --thin  -->  hash whole and piece  -->  file  -->  fsync
 *
 * One chunk at a time, so that a pack of any size needs no more memory than a small one.
 */
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { PropagitError, shortCommit } from "@propagit/protocol";
import { errnoOf, withStreams } from "@propagit/runtime";
import { pieceBytesFor } from "@propagit/swarm";
import type { ArtifactStep } from "../artifacts.js";
import type { GitSettings } from "./git-command.js";
import { PieceHasher, type PieceHashes } from "./piece-hasher.js";

export interface PackOptions {
  readonly settings: GitSettings;
  /** Of the repository. */
  readonly folder: string;
  readonly step: ArtifactStep;
  /** Of the file, which is not there yet. */
  readonly path: string;
  /** As large as it may become, about; chooses the length of pieces. */
  readonly estimate: number | undefined;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** So many bytes more are written. */
  readonly onBytes?: (bytes: number) => void;
}

/** The end of what git says, of which the first line is shown. */
const complaintCharsMax = 4_096;
/** A length of pieces that was chosen for so many times more or less bytes is chosen anew. */
const misjudgedRatio = 4;

/** @throws DATA_UNUSABLE, NO_GIT, TIMED_OUT, LINK_LOST when `signal` is aborted, INTERNAL with git's reason */
export async function writePack(options: PackOptions): Promise<PieceHashes> {
  const { path, estimate } = options;
  const hasher = new PieceHasher(pieceBytesFor(estimate ?? 0));
  await streamPack(options, hasher);
  const hashes = hasher.end();
  const wanted = pieceBytesFor(hashes.bytes);
  const ratio = hashes.pieceBytes / wanted;
  if (ratio < misjudgedRatio && ratio > 1 / misjudgedRatio) return hashes;
  return hashFile(path, wanted);
}

async function streamPack(options: PackOptions, hasher: PieceHasher): Promise<void> {
  const { step, path } = options;
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await packInto(file, options, hasher);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    const what = `the pack of ${step.repo} ${shortCommit(step.commit)}`;
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `${what} cannot be written to ${path}: ${reason}`, {
      cause: thrown,
    });
  }
}

async function packInto(file: FileHandle, options: PackOptions, hasher: PieceHasher) {
  const git = startGit(options);
  try {
    // Read from its first moment on: what nobody reads of a child that has ended, Node throws away.
    for await (const chunk of git.output) {
      hasher.update(chunk);
      await writeAll(file, chunk);
      options.onBytes?.(chunk.length);
    }
    await git.ended;
  } finally {
    git.kill();
    await git.ended.catch(() => undefined);
  }
}

interface PackingGit {
  readonly output: AsyncIterable<Buffer>;
  /** @throws why there is no whole pack */
  readonly ended: Promise<void>;
  kill(): void;
}

function startGit({ settings, folder, step, limitMs, signal }: PackOptions): PackingGit {
  const { commit, base } = step;
  const args = ["pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"];
  const child = withStreams(
    spawn("git", [`--git-dir=${folder}`, ...args], {
      env: { ...settings.env, GIT_NO_REPLACE_OBJECTS: "1" },
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe"],
    }),
  );
  let cause: PropagitError | undefined;
  const end = (why: PropagitError) => {
    cause ??= why;
    child.kill("SIGKILL");
  };
  const what = `packing ${step.repo} ${shortCommit(commit)}`;
  const late = () =>
    end(new PropagitError("TIMED_OUT", `${what} took longer than ${limitMs / 1_000} s`));
  const timer = setTimeout(late, limitMs);
  const aborted = () => end(new PropagitError("LINK_LOST", `${what} was given up: the hub ends`));
  if (signal.aborted) aborted();
  signal.addEventListener("abort", aborted, { once: true });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-complaintCharsMax);
  });
  child.stdin
    .on("error", () => undefined)
    .end(`${commit}\n${base === undefined ? "" : `^${base}\n`}`);
  const ended = new Promise<void>((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    };
    child.once("error", (error) => {
      settle();
      reject(new PropagitError("NO_GIT", `git cannot be run: ${errnoOf(error) ?? error.message}`));
    });
    child.once("close", (code) => {
      settle();
      if (cause) reject(cause);
      else if (code === 0) resolve();
      else reject(failed(what, complaint, code));
    });
  });
  // Whoever reads the output hears of it when that has ended.
  ended.catch(() => undefined);
  return { output: child.stdout, ended, kill: () => child.kill("SIGKILL") };
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, at);
    at += bytesWritten;
  }
}

async function hashFile(path: string, pieceBytes: number): Promise<PieceHashes> {
  const hasher = new PieceHasher(pieceBytes);
  for await (const chunk of createReadStream(path)) hasher.update(chunk as Buffer);
  return hasher.end();
}

function failed(what: string, complaint: string, code: number | null): PropagitError {
  const [line = ""] = complaint.trim().split("\n");
  return new PropagitError("INTERNAL", `${what} failed: ${line || `git ended with ${code}`}`);
}
