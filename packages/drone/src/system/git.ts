/** Runs git: apart from the user's settings, never asking anybody anything, and never for ever. */
import { spawn } from "node:child_process";
import type { FileHandle } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { assert, PropagitError, toPropagitError } from "@propagit/protocol";
import { errnoOf, withStreams } from "@propagit/runtime";
import { lastLinesOf } from "../core/last-lines.js";
import { signalGroup } from "./process-group.js";

export interface GitRun {
  readonly folder: string;
  /** Settings for this run; they travel in the environment, so that `ps` shows no password. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
  /**
   * What git reads from its standard input; when a stream fails, so does the run. An open file git reads by
   * itself, from where it stands.
   */
  readonly input?: Readable | Uint8Array | FileHandle;
  /** Kept of the end of what git writes; default 64 KiB. */
  readonly outputCharsMax?: number;
  /** Names of files are bytes: `latin1` gives one character for each. Default UTF-8. */
  readonly encoding?: "utf8" | "latin1";
}

const limitMsDefault = 60_000;
const outputCharsMaxDefault = 64 * 1024;

/** Settings of every run; what the user or the machine configured does not count. */
const settingsDefault: Readonly<Record<string, string>> = {
  "core.hooksPath": "/dev/null",
  "core.autocrlf": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "safe.directory": "*",
  "protocol.version": "2",
  // A redirect would carry the password to another host.
  "http.followRedirects": "false",
  // Slower than 1 kB/s for 30 s counts as dead.
  "http.lowSpeedLimit": "1000",
  "http.lowSpeedTime": "30",
};

/**
 * What git wrote to its standard output.
 *
 * @throws NO_GIT; INTERNAL with git's own reason; TIMED_OUT
 */
export async function git(args: readonly string[], run: GitRun): Promise<string> {
  run.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A group of its own, so that git's helpers end with it.
    const child = withStreams(
      spawn("git", args, {
        cwd: run.folder,
        env: environmentOf(run),
        stdio: [fileOf(run.input)?.fd ?? "pipe", "pipe", "pipe"],
        detached: true,
      }),
    );
    // Both are there, as they are asked for above; Node's types know that of three pipes only.
    assert(child.stdout && child.stderr, "git has an output");
    const out = collect(child.stdout, run);
    const errors = collect(child.stderr, {});
    let cause: PropagitError | undefined;
    const end = (why: PropagitError) => {
      cause ??= why;
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    };
    const limitMs = run.limitMs ?? limitMsDefault;
    const what = `git ${args[0]}`;
    const timer = setTimeout(() => {
      end(new PropagitError("TIMED_OUT", `${what} took longer than ${limitMs / 1000} s`));
    }, limitMs);
    const aborted = () => end(new PropagitError("LINK_LOST", `${what} was given up`));
    run.signal?.addEventListener("abort", aborted, { once: true });
    if (child.stdin) feed(child.stdin, run.input, (thrown) => end(toPropagitError(thrown)));
    const settle = () => {
      clearTimeout(timer);
      run.signal?.removeEventListener("abort", aborted);
    };
    child.once("error", (error) => {
      settle();
      reject(notStarted(error));
    });
    child.once("close", (code) => {
      settle();
      if (cause) reject(cause);
      else if (code === 0) resolve(out.text());
      else reject(failed(what, errors.text(), code));
    });
  });
}

/** @throws NO_GIT */
export async function requireGit(folder: string): Promise<void> {
  await git(["--version"], { folder });
}

function environmentOf({ settings, environment }: GitRun): Record<string, string> {
  const all = Object.entries({ ...settingsDefault, ...settings });
  const numbered = all.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    // No user's configuration: before git 2.32 only a HOME without one says so.
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    // Messages are looked at.
    LC_ALL: "C",
    GIT_CONFIG_COUNT: String(all.length),
    ...(Object.fromEntries(numbered) as Record<string, string>),
    ...environment,
  };
}

function collect(
  stream: NodeJS.ReadableStream,
  { encoding = "utf8", outputCharsMax = outputCharsMaxDefault }: Partial<GitRun>,
): { text(): string } {
  let kept = "";
  stream.setEncoding(encoding);
  stream.on("data", (text: string) => {
    kept += text;
    if (kept.length > outputCharsMax) kept = kept.slice(-outputCharsMax);
  });
  return { text: () => kept };
}

function fileOf(input: GitRun["input"]): FileHandle | undefined {
  const isStream = input instanceof Readable || input instanceof Uint8Array;
  return isStream ? undefined : input;
}

function feed(stdin: Writable, input: GitRun["input"], failed: (thrown: unknown) => void): void {
  const stream = input instanceof Readable ? input : undefined;
  // A git that ends early closes its side; its exit code says why.
  stdin.on("error", () => stream?.destroy());
  if (!stream) return void stdin.end(input instanceof Uint8Array ? input : undefined);
  stream.once("error", failed);
  stream.pipe(stdin);
}

function notStarted(error: Error): PropagitError {
  const reason = errnoOf(error) ?? error.message;
  return new PropagitError("NO_GIT", `git cannot be run: ${reason}`, { cause: error });
}

/** Git's own words, as far as they say why. */
function failed(what: string, stderr: string, code: number | null): PropagitError {
  const lines = lastLinesOf(stderr).filter((line) => !line.startsWith("hint:"));
  // Of a push, what the other side said comes first.
  const telling = lines.filter((line) => /^(?:fatal|error|remote):|^ ! \[/.test(line));
  const reason = (telling.length > 0 ? telling : lines).slice(0, 3).join("; ");
  // checkout-index does not say why it could not write.
  const isFull =
    /No space left|Read-only file system|Disk quota|unable to (?:write|create) file/i.test(stderr);
  return new PropagitError(
    isFull ? "DATA_UNUSABLE" : "INTERNAL",
    `${what} failed: ${reason || `exit code ${code}`}`,
  );
}
