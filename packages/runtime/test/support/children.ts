/** Small real processes for the tests, ended with them. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The next line it prints; fails when it ends first. */
  line(): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Runs a module's text in this Node; the text may import the runtime as `runtime`. */
export function startScript(test: TestContext, script: string): Child {
  const runtime = new URL("../../src/index.js", import.meta.url).href;
  const text = `import * as runtime from ${JSON.stringify(runtime)};\n${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  test.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    pid: child.pid ?? 0,
    async line() {
      const { done, value } = await lines.next();
      if (done) throw new Error("the process ended without saying more");
      return value;
    },
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}
