/** The built command lines as a user runs them: real processes, real exit codes. */
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const binFolder = fileURLToPath(new URL("../../../packages/cli/bin/", import.meta.url));

export type Program = "propagit" | "registry";

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest a command may take in a test or the demo. */
const commandMsMax = 180_000;

/** The environment of everything we start: nothing of the user's own settings. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, NO_COLOR: "1", ...extra };
}

/** Words in front of a command that run it elsewhere, such as `ip netns exec NAME`. */
export type Elsewhere = readonly string[];

/** Runs a command to its end; a failing one is a result, not an exception. */
export async function runCli(
  program: Program,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  elsewhere: Elsewhere = [],
): Promise<Finished> {
  const [command, ...words] = commandOf(program, args, elsewhere);
  const result = await execa(command, words, {
    env: cleanEnv(env),
    extendEnv: false,
    reject: false,
    timeout: commandMsMax,
    stdin: "ignore",
  });
  if (result.timedOut) throw new Error(`${program} ${args.join(" ")} hung:\n${result.stderr}`);
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** A process that keeps running, with everything it said so far. */
export class DaemonProcess {
  readonly name: string;
  readonly pid: number;
  output = "";
  readonly exited: Promise<number | undefined>;
  readonly #listeners = new Set<(said: string) => void>();
  #isOver = false;
  readonly #child: ReturnType<typeof spawnProgram>;

  constructor(
    name: string,
    /** One of ours, or a script of the tests. */
    program: Program | URL,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    elsewhere: Elsewhere = [],
  ) {
    this.name = name;
    this.#child = spawnProgram(commandOf(program, args, elsewhere), env);
    this.pid = this.#child.pid ?? -1;
    this.#child.all?.on("data", (chunk: Buffer) => {
      const said = chunk.toString();
      this.output += said;
      for (const listener of this.#listeners) listener(said);
    });
    this.exited = this.#child.then((result) => {
      this.#isOver = true;
      return result.exitCode;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits until it said something that fits; fails when it ends before that. */
  async said(pattern: RegExp): Promise<void> {
    await until(`${this.name} to say ${pattern}`, () => {
      if (pattern.test(this.output)) return true;
      if (this.#isOver) throw new Error(`${this.name} ended:\n${this.output}`);
      return false;
    });
  }

  /** Tells what is said from now on, as it comes; until what is returned is called. */
  listen(listener: (said: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#child.kill(signal);
  }

  /**
   * Ends it in order; by force when that takes too long. A drone leaves its instances running on SIGTERM
   * and ends them on SIGINT.
   */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number | undefined> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill("SIGKILL"), 60_000);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }
}

/** Waits for a condition, with a bound; looks again every few milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 90_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1_000} s for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

type CommandLine = readonly [command: string, ...words: string[]];

function commandOf(
  program: Program | URL,
  args: readonly string[],
  elsewhere: Elsewhere,
): CommandLine {
  const script = program instanceof URL ? fileURLToPath(program) : `${binFolder}${program}.js`;
  const [first = process.execPath, ...rest] = [...elsewhere, process.execPath, script, ...args];
  return [first, ...rest];
}

function spawnProgram([command, ...words]: CommandLine, env: Readonly<Record<string, string>>) {
  return execa(command, words, {
    env: cleanEnv(env),
    extendEnv: false,
    reject: false,
    all: true,
    buffer: false,
    stdin: "ignore",
  });
}
