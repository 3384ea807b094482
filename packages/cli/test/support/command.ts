/** The built command line as a process of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { secret, type FakeHub } from "./fake-hub.js";

export const bin = fileURLToPath(new URL("../../../bin/propagit.js", import.meta.url));

export function environmentFor(hub: FakeHub | undefined): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, NO_COLOR: "1", PROPAGIT_BY: "ann@laptop", PROPAGIT_HOME: here };
  return hub ? { ...env, PROPAGIT_HUB: `127.0.0.1:${hub.port}`, PROPAGIT_SECRET: secret } : env;
}

/** Nothing is there: whatever the user keeps about hubs is none of the tests' business. */
const here = fileURLToPath(new URL("nothing", import.meta.url));

/** A command that runs, with what it printed so far. */
export class Command {
  stdout = "";
  stderr = "";
  #isOver = false;
  readonly child: ChildProcessWithoutNullStreams;
  /** Exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;

  constructor(hub: FakeHub | undefined, ...args: readonly string[]) {
    this.child = spawn(process.execPath, [bin, ...args], { env: environmentFor(hub) });
    this.child.stdout.on("data", (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    this.child.stderr.on("data", (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.child.stdin.on("error", () => undefined);
    this.child.once("close", () => {
      this.#isOver = true;
    });
    this.exited = once(this.child, "close").then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
    );
  }

  /** Waits until what it printed fits. */
  async said(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout + this.stderr)) {
      if (this.#isOver)
        throw new Error(`it ended without ${pattern}:\n${this.stdout}${this.stderr}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
}

export interface Finished {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with this on its standard input. */
export async function run(
  hub: FakeHub | undefined,
  args: readonly string[],
  input = "",
): Promise<Finished> {
  const command = new Command(hub, ...args);
  command.child.stdin.end(input);
  const code = await command.exited;
  return { code, stdout: command.stdout, stderr: command.stderr };
}
