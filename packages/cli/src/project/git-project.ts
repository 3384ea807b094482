/** The git repository that a command is run in. */
import { spawnSync } from "node:child_process";
import { PropagitError, type Address } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";

export interface GitRemote {
  readonly name: string;
  readonly url: string;
}

/** Longest answer of git that is read, in bytes. */
const outputBytesMax = 16 * 1024 * 1024;

/** What git says, or undefined when it refuses. @throws NO_GIT */
export function git(folder: string, ...args: readonly string[]): string | undefined {
  const { status, stdout, error } = spawnSync("git", args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: outputBytesMax,
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (error && errnoOf(error) === "ENOENT") {
    throw new PropagitError("NO_GIT", "git cannot be run: there is none", { cause: error });
  }
  return status === 0 ? stdout.trimEnd() : undefined;
}

/** The top folder of the repository around a folder; undefined outside of any. */
export function projectFolder(folder: string): string | undefined {
  return git(folder, "rev-parse", "--show-toplevel");
}

export function gitRemotes(folder: string): readonly GitRemote[] {
  const text = git(folder, "config", "--get-regexp", String.raw`^remote\..*\.url$`) ?? "";
  return text.split("\n").flatMap((line) => {
    const match = /^remote\.(.+)\.url (.+)$/.exec(line);
    return match ? [{ name: match[1] ?? "", url: match[2] ?? "" }] : [];
  });
}

/** The branch that is checked out, also before its first commit. */
export function currentBranch(folder: string): string | undefined {
  return git(folder, "symbolic-ref", "--short", "HEAD");
}

/** Host and port of an HTTP URL; undefined for any other. */
export function placeOfUrl(text: string): Address | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") return undefined;
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port };
}
