import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

const closedPipes = JSON.stringify(new URL("../src/closed-pipes.js", import.meta.url).href);

/** Runs code whose output goes nowhere from the time it says `go` to; resolves with its exit code. */
async function runUnread(unread: "stdout" | "stderr", code: string) {
  const script = `import { handleClosedPipes } from ${closedPipes};
    handleClosedPipes();
    process.stdin.once("data", () => { ${code} });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  const errors = unread === "stdout" ? child.stderr.toArray() : Promise.resolve([]);
  const closed = once(child[unread], "close");
  child[unread].destroy();
  await closed;
  child.stdin.end("go");
  const [exitCode] = (await once(child, "exit")) as [number | null];
  return { exitCode, errors: (await errors).join("") };
}

test("a command ends quietly when its output is not read to the end", async () => {
  const unread = await runUnread(
    "stdout",
    'setInterval(() => process.stdout.write("line\\n"), 1);',
  );
  assert.deepEqual(unread, { exitCode: 141, errors: "" });
});

test("a daemon goes on when the reader of its log has gone", async () => {
  const code = 'process.stderr.write("line\\n", () => setImmediate(() => process.exit(7)));';
  assert.equal((await runUnread("stderr", code)).exitCode, 7);
});
