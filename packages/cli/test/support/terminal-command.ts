/** The built command line on a terminal. */
import type { TestContext } from "node:test";
import { spawn, type IPty } from "@lydell/node-pty";
import { bin, environmentFor } from "./command.js";
import type { FakeHub } from "./fake-hub.js";

/** A command on a terminal of 60 columns and 20 rows, with all that it wrote there. */
export class TerminalCommand {
  text = "";
  readonly pty: IPty;
  readonly exited: Promise<number>;

  constructor(test: TestContext, hub: FakeHub, ...args: string[]) {
    const env = environmentFor(hub);
    this.pty = spawn(process.execPath, [bin, ...args], { cols: 60, rows: 20, env });
    this.pty.onData((data) => {
      this.text += data;
    });
    this.exited = new Promise((resolve) => {
      this.pty.onExit(({ exitCode }) => resolve(exitCode));
    });
    test.after(() => this.pty.kill("SIGKILL"));
  }

  async said(pattern: RegExp): Promise<void> {
    const end = performance.now() + 60_000;
    while (!pattern.test(this.text)) {
      if (performance.now() > end) throw new Error(`no ${pattern} in ${JSON.stringify(this.text)}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
}
