/** The real git as on a machine where nobody configured anything, in folders that go with their test. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export const secret = "beepboop";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface GitRunner {
  /** Runs git somewhere below the folder. */
  readonly git: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** As `git`, and fails the test when git does. */
  readonly good: (args: readonly string[], options?: RunOptions) => Promise<string>;
}

/** The real git below a folder. */
export function gitIn(folder: string): GitRunner {
  const git: GitRunner["git"] = (args, { cwd = ".", env = {} } = {}) =>
    run("git", args, { cwd: join(folder, cwd), env: { ...gitEnvironment, ...env } });
  const good: GitRunner["good"] = async (args, options) => {
    const { exitCode, stdout, stderr } = await git(args, options);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  return { git, good };
}

export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-hub-"));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Runs a program; a failure is an exit code. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, [...args], { ...options, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error?.code;
      resolve({ exitCode: error ? (typeof code === "number" ? code : 1) : 0, stdout, stderr });
    });
  });
}

/** Git as on a machine where nobody configured anything. */
const gitEnvironment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@localhost",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@localhost",
  LC_ALL: "C",
};

/** Waits for something to come true. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 90_000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`${what} did not come true within 90 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
}
