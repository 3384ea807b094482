/** A folder with plans and a home of its own, and the built command line in it; plans are carried out there. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin } from "./command.js";

export interface Ended {
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly errors: string;
}

export class PlanFolder {
  readonly path = mkdtempSync(join(tmpdir(), "propagit-plans-"));
  readonly home = join(this.path, "home");
  readonly #children = new Set<ChildProcess>();

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
    const { PATH = "", HOME = "" } = process.env;
    const [command = ""] = args;
    const local = ["apply", "plans"].includes(command) ? ["--local"] : [];
    const child = spawn(process.execPath, [bin, ...args, ...local], {
      cwd: this.path,
      env: { PATH, HOME, NO_COLOR: "1", PROPAGIT_BY: "ann", PROPAGIT_HOME: this.home, ...env },
    });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return new Started(child);
  }

  async run(
    args: readonly string[],
    more: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Ended> {
    const started = this.start(args, more.env);
    started.child.stdin?.end(more.input ?? "");
    return started.ended;
  }

  /** Ids of what was carried out, newest first. */
  async ids(): Promise<readonly string[]> {
    const { out } = await this.run(["plans", "--json"]);
    return (JSON.parse(out) as readonly { readonly run: string }[]).map(({ run }) => run);
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.path, { recursive: true, force: true });
  }
}

class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = "";
  #errors = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (bytes: Buffer) => (this.#out += bytes.toString()));
    child.stderr?.on("data", (bytes: Buffer) => (this.#errors += bytes.toString()));
    child.stdin?.on("error", () => undefined);
    this.ended = once(child, "close").then(([code, signal]) => ({
      code: (code ?? signal) as number | NodeJS.Signals,
      out: this.#out,
      errors: this.#errors,
    }));
  }

  /** Waits until it has printed that. */
  async said(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#out + this.#errors)) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.#out}${this.#errors}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
