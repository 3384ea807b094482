import assert from "node:assert/strict";
import { appendFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TaskTail } from "../../src/system/task-tail.js";

test("tells what is written just before the file is cut", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "propagit-tail-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "task.out");
  writeFileSync(path, "first\n");
  // Only the file's size counts: a sparse one is as good as a flood.
  truncateSync(path, 65 * 2 ** 20);
  let text = "";
  let leftOut = 0;
  const tail = new TaskTail(path, (said, bytes) => {
    // Between what was read and the cut, as a command does that ends in this moment.
    if (leftOut === 0 && bytes > 0) appendFileSync(path, "the end\n");
    text += said;
    leftOut += bytes;
  });

  await tail.finish();
  assert.ok(text.startsWith("first\n"));
  assert.ok(text.endsWith("the end\n"));
  assert.equal(text.length + leftOut, 65 * 2 ** 20 + "the end\n".length);
  assert.equal(statSync(path).size, 0);
});
