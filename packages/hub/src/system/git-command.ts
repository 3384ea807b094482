/**
 * Running git: its own environment, short commands with bounded output, and the check that it is there.
 *
 * Nothing of the user's or the machine's git configuration is used, so that a hub behaves the same
 * everywhere; its own is a file in the data folder, written anew at every start.
 */
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, nodeDisk, withStreams } from "@propagit/runtime";
import { installHooks } from "./push-hooks.js";

/** How git is called in one data folder. */
export interface GitSettings {
  readonly env: NodeJS.ProcessEnv;
  /** Where bare repositories are. */
  readonly repoFolder: string;
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitOptions {
  readonly input?: string;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
  /** On top of what git is always given. */
  readonly env?: NodeJS.ProcessEnv;
  /** Takes standard output as it comes, however much it is; `stdout` is then empty. */
  readonly onOutput?: (text: string) => void;
}

/** The oldest git that a hub runs with: Debian 11 has it; it knows protocol v2 and `--end-of-options`. */
const versionMin = [2, 30] as const;
const limitMsDefault = 60_000;
/** Output of a short command; what is longer is a mistake of ours. */
const outputCharsMax = 16 * 1024 * 1024;

/**
 * Looks for git and writes its configuration.
 *
 * @throws NO_GIT when it is missing or older than 2.30; DATA_UNUSABLE
 */
export async function prepareGit(dataFolder: string): Promise<GitSettings> {
  const home = join(dataFolder, "git-home");
  const settings = { env: environment(home), repoFolder: join(dataFolder, "repos") };
  const version = await findVersion(settings);
  const hooks = await installHooks(home);
  await nodeDisk.writeAtomic(join(home, ".gitconfig"), configuration(version, hooks));
  try {
    await mkdir(settings.repoFolder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `${settings.repoFolder} cannot be used: ${reason}`);
  }
  return settings;
}

/** Runs git and collects what it says; a failure is an exit code, not an exception. */
export function runGit(
  settings: GitSettings,
  args: readonly string[],
  { input = "", limitMs = limitMsDefault, signal, env, onOutput }: GitOptions = {},
): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = withStreams(
      spawn("git", [...args], {
        env: { ...settings.env, ...env },
        // Wherever the hub was started: perhaps in a repository, whose configuration is none of its.
        cwd: "/",
        stdio: ["pipe", "pipe", "pipe"],
        ...(signal && { signal }),
      }),
    );
    // Not spawn's own `timeout`, whose timer stays when there is no such program (Node 20).
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (onOutput && name === "stdout") return onOutput(text);
        output[name] += text;
        if (output[name].length > outputCharsMax) child.kill("SIGKILL");
      });
    }
    // Git may end before it has read everything; its exit code says what that means.
    child.stdin.on("error", () => undefined).end(input);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(noGit(errnoOf(error) ?? error.message));
    });
    child.once("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode: exitCode ?? 128, ...output });
    });
  });
}

function environment(home: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return {
    ...(PATH !== undefined && { PATH }),
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_COMMITTER_NAME: "propagit",
    GIT_COMMITTER_EMAIL: "propagit@localhost",
    LC_ALL: "C",
  };
}

async function findVersion(settings: GitSettings): Promise<readonly [number, number]> {
  const { exitCode, stdout, stderr } = await runGit(settings, ["version"]);
  const match = /^git version (\d+)\.(\d+)/.exec(stdout);
  if (exitCode !== 0 || !match) throw noGit(stderr.trim() || `exit code ${exitCode}`);
  const version = [Number(match[1]), Number(match[2])] as const;
  if (isBefore(version, versionMin)) throw noGit(`version ${version.join(".")} is too old`);
  return version;
}

function isBefore([major, minor]: readonly [number, number], [a, b]: readonly [number, number]) {
  return major < a || (major === a && minor < b);
}

/**
 * - `hooksPath`: what is pushed is asked about, see `push-hooks.ts`.
 * - `safe.directory`: a data folder may belong to another user, as when root looks after it.
 * - `fsync`: an acknowledged push is on disk.
 * - `gc.auto 0`: git's own clean-up would throw away what no branch holds; see `git-maintenance.ts`.
 * - `hideRefs`: what the hub keeps for itself is neither shown nor writable.
 * - `unpackLimit`: a push stays the pack that it came as. Its objects, and deltas, then go out again as they are:
 *   100 MB of random files (20), pushed at once, are packed with 0.3 s of a processor in place of 13, the next commit
 *   of a 55 MB text with 0.01 s in place of 1.7; and a push is one file to sync (60 small ones: 3 s in place of 8).
 * - `windowMemory`: deltas of large files are looked for among few others, as all who fetch wait for it. These
 *   100 MB, where they are not in one pack, took 13 s without, 4 s with it; 100 MB of text 30 s and 6.7 s. No pack of
 *   those that were measured, whole or thin, became larger by it: of a large file the next version of the same name is tried.
 * - `fsck`: whoever pushes cannot change what was committed long ago in a way that git only frowns on.
 */
function configuration(version: readonly [number, number], hooks: string): string {
  const fsync = isBefore(version, [2, 36]) ? "\tfsyncObjectFiles = true" : "\tfsync = all";
  return `# Written by the hub at every start.
[core]
	hooksPath = ${quoted(hooks)}
${fsync}
[safe]
	directory = *
[init]
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = false
[transfer]
	hideRefs = refs/propagit
[receive]
	fsckObjects = true
	advertisePushOptions = true
	denyDeleteCurrent = ignore
	denyCurrentBranch = ignore
	shallowUpdate = true
	autogc = false
	unpackLimit = 1
[receive "fsck"]
	zeroPaddedFilemode = warn
	badTimezone = warn
	missingSpaceBeforeDate = warn
	missingEmail = warn
	nullSha1 = warn
[pack]
	windowMemory = 4m
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
`;
}

/** As a value in git's configuration. */
function quoted(path: string): string {
  return `"${path.replaceAll(/[\\"]/g, "\\$&")}"`;
}

function noGit(reason: string): PropagitError {
  const why = reason === "ENOENT" ? "there is no `git` on the PATH" : reason;
  return new PropagitError("NO_GIT", `git cannot be run: ${why}`);
}
