/** Commands of a project's own in a process of their own: what they can, and that nothing of them stays. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { toPropagitError } from "@propagit/protocol";
import { localHost, runInProject, type CommandContext, type CommandEnd } from "../../src/index.js";
import { deferred, nodeClock } from "@propagit/runtime";
import { temporaryFolder } from "../support/folders.js";
import { noMeans } from "../support/tool-box.js";

/** Its only command does `body`, with `who` of its arguments. */
const projectOf = (body: string) => `
import { spawn } from "node:child_process";
import { defineCommand, defineConfig, object, text, PropagitError } from "propagit/config";
export default defineConfig({
  commands: [defineCommand({
    name: "greet",
    summary: "Greets.",
    args: object({ who: text({ max: 100 }) }, ["who"]),
    describe: ({ who }) => "would greet " + who,
    run: async ({ who }, { host, means, signal, say, key }) => { ${body} },
    example: { who: "world" },
  })],
});`;

async function greet(
  t: TestContext,
  body: string,
  { args = { who: "world" }, ...given }: Partial<CommandContext> & { args?: object } = {},
): Promise<{
  readonly end: CommandEnd;
  readonly said: readonly string[];
  readonly folder: string;
}> {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "propagit.config.ts"), projectOf(body));
  const said: string[] = [];
  const context: CommandContext = {
    host: localHost({ name: "one" }),
    means: noMeans,
    clock: nodeClock,
    signal: new AbortController().signal,
    key: "r/1.1.1/1",
    say: (line) => void said.push(line),
    ...given,
  };
  const task = { command: "greet", args: args as Readonly<Record<string, unknown>> };
  return { end: await runInProject(folder, task, context), said, folder };
}

/** What has ended and that nobody has looked after yet is dead, too. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "it did not fail",
    (thrown: unknown) => `${toPropagitError(thrown).code}: ${toPropagitError(thrown).message}`,
  );
}

describe("a command of a project's own", () => {
  it("has the host, secrets and files of who carries it out, and says what it likes", async (t) => {
    const body = `
      say("to " + who + " on " + host.name + " " + key);
      console.log("by hand");
      const ended = await host.execute(["sh", "-c", "echo $0; exit 3", await means.secret("TOKEN")], {
        onOutput: (line) => say("> " + line),
      });
      const bytes = new Uint8Array(await means.readFile("/x", 10));
      await host.put({ kind: "bytes", bytes }, who);
      return { outcome: "done", note: "code " + ended.code + (await host.exists(who)) };`;
    const folder = await temporaryFolder(t);
    const path = join(folder, "made");
    const means = {
      secret: async (name: string) => `${name} it is`,
      readFile: async () => new TextEncoder().encode("bytes"),
    };
    const { end, said } = await greet(t, body, { args: { who: path }, means });
    assert.deepEqual(end, { outcome: "done", note: "code 3true" });
    assert.deepEqual(said.toSorted(), ["> TOKEN it is", "by hand", `to ${path} on one r/1.1.1/1`]);
    assert.equal(await readFile(path, "utf8"), "bytes");
  });

  it("knows next to nothing of the environment, and has its arguments checked", async (t) => {
    process.env["OF_THE_DAEMON"] = "secret";
    const { end } = await greet(
      t,
      `return { outcome: "unchanged", note: String(process.env.OF_THE_DAEMON) };`,
    );
    assert.deepEqual(end, { outcome: "unchanged", note: "undefined" });
    const wrong = await failure(greet(t, `return { outcome: "done" };`, { args: { whom: "x" } }));
    assert.match(wrong, /^BAD_PLAN: .*"whom" is not known/);
  });

  it("fails with what it throws, with what it ends with that is no end, and when its process dies", async (t) => {
    assert.equal(
      await failure(greet(t, `throw new PropagitError("TASK_REFUSED", "not " + who);`)),
      "TASK_REFUSED: not world",
    );
    assert.match(await failure(greet(t, `return 1;`)), /^TASK_FAILED: .*neither `done` nor/);
    assert.match(
      await failure(greet(t, `console.error("oh"); process.exit(4);`)),
      /^TASK_FAILED: the process of command greet ended with 4: oh/,
    );
    assert.match(
      await failure(
        greet(t, `const all = []; for (;;) all.push(new Array(1e6).fill(all.length));`),
      ),
      /^TASK_FAILED: the process of command greet ended (by|with)/,
    );
    assert.match(await failure(greet(t, `} bad`)), /^BAD_CONFIG: .*propagit.config.ts:\d+/);
  });

  it("ends with its task, however it holds on, with what it started", async (t) => {
    const abort = new AbortController();
    const pids: number[] = [];
    const body = `
      const child = spawn("sleep", ["1000"], { stdio: "ignore" });
      say(process.pid + " " + child.pid);
      signal.addEventListener("abort", () => say("told"));
      await new Promise(() => setInterval(() => {}, 1000));`;
    // The time between being told and being killed is over once it was told.
    const told = deferred<void>();
    const after = (_: number, work: () => void) => {
      void told.promise.then(work);
      return { cancel: () => undefined };
    };
    const clock = { ...nodeClock, after };
    const said: string[] = [];
    const say = (line: string) => {
      said.push(line);
      if (line === "told") told.resolve();
      if (pids.length > 0) return;
      pids.push(...line.split(" ").map(Number));
      abort.abort(new Error("it was told to end"));
    };
    const ended = await failure(greet(t, body, { signal: abort.signal, clock, say }));
    assert.match(ended, /it was told to end/);
    assert.equal(said.at(-1), "told");
    assert.deepEqual(await Promise.all(pids.map(isAlive)), [false, false]);
  });

  it("may end by itself when it is told to, and what it did then counts", async (t) => {
    const abort = new AbortController();
    const body = `
      say("ready");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { outcome: "done" };`;
    const { end } = await greet(t, body, { signal: abort.signal, say: () => abort.abort() });
    assert.deepEqual(end, { outcome: "done" });
  });
});
