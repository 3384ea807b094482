/**
 * An application whose every step waits for the test: `open("build")` lets its build go on, and so with
 * `test`, `release` and `start`. What ran, and how often, is in `journal`.
 *
 *     gates/build   made by the test         journal   one line for each command that began
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "./cli.js";
import type { WorkTree } from "./git.js";

export type Gate = "build" | "test" | "release" | "start";

export interface GatedAppOptions {
  /** Where the gates are; outside of the repository. */
  readonly folder: string;
  readonly tree: WorkTree;
  /** Steps that it has at all; all of them when left out. */
  readonly steps?: readonly Gate[];
  /** More lines for `propagit.yaml`. */
  readonly more?: string;
  /** More lines for its service `web`, indented by four. */
  readonly service?: string;
}

export class GatedApp {
  readonly #options: GatedAppOptions;

  constructor(options: GatedAppOptions) {
    this.#options = options;
  }

  /** Writes the files into the work tree; they say `greeting` when they are asked. */
  async write(greeting: string): Promise<void> {
    const { folder, tree, steps = ["build", "test", "release", "start"] } = this.#options;
    await mkdir(join(folder, "gates"), { recursive: true });
    await tree.write("gate.sh", gateScript(folder));
    await tree.write("web.mjs", server(greeting));
    const tasks = (["build", "test", "release"] as const).filter((step) => steps.includes(step));
    const lines = [
      "services:",
      "  web:",
      `    command: ${steps.includes("start") ? "sh gate.sh start exec node web.mjs" : "node web.mjs"}`,
      ...(this.#options.service === undefined ? [] : [this.#options.service]),
      ...tasks.map((step) => `${step}: sh gate.sh ${step} ${taskCommand(step)}`),
      ...(this.#options.more === undefined ? [] : [this.#options.more]),
      "",
    ];
    await tree.write("propagit.yaml", lines.join("\n"));
  }

  /** Writes, commits and pushes a release that says `greeting`; its commit. */
  async push(greeting: string, url: string): Promise<string> {
    const { tree } = this.#options;
    await this.write(greeting);
    const commit = await tree.commit(greeting);
    await tree.git("push", "--quiet", url, "master");
    return commit;
  }

  /** Lets a step go on, now and from now on. */
  async open(...gates: readonly Gate[]): Promise<void> {
    await mkdir(join(this.#options.folder, "gates"), { recursive: true });
    for (const gate of gates) await writeFile(join(this.#options.folder, "gates", gate), "");
  }

  async close(...gates: readonly Gate[]): Promise<void> {
    for (const gate of gates) await rm(join(this.#options.folder, "gates", gate), { force: true });
  }

  /** How often a step began. */
  async countOf(gate: Gate): Promise<number> {
    const path = join(this.#options.folder, "journal");
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
    return lines.filter((line) => line === gate).length;
  }

  /** Waits until a step has begun at least `count` times. */
  async began(gate: Gate, count = 1): Promise<void> {
    await until(`${gate} to begin`, async () => (await this.countOf(gate)) >= count);
  }
}

function taskCommand(step: Exclude<Gate, "start">): string {
  return step === "build" ? "sh -c 'echo built > built.txt'" : "true";
}

function gateScript(folder: string): string {
  return `gate=$1; shift
echo "$gate" >> '${folder}/journal'
while [ ! -e '${folder}'/gates/"$gate" ]; do sleep 0.05; done
exec_word=$1
[ "$exec_word" = exec ] && shift
exec "$@"
`;
}

/** Says its greeting, and as JSON what it was started with. */
function server(greeting: string): string {
  return `import { createServer } from "node:http";
import { readFileSync } from "node:fs";
const built = (() => { try { return readFileSync("built.txt", "utf8").trim(); } catch { return undefined; } })();
createServer((request, response) => {
  if (request.url === "/about") {
    response.end(JSON.stringify({ pid: process.pid, built, env: process.env, folder: process.cwd(), headers: request.headers }));
  } else {
    response.end(${JSON.stringify(greeting)} + (process.env.SUFFIX ?? "") + "\\n");
  }
}).listen(process.env.PORT);
process.on("SIGTERM", () => process.exit(0));
`;
}
