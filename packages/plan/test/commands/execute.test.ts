/** Programs that run only where something is. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { localHost } from "../../src/index.js";
import { temporaryFolder } from "../support/folders.js";
import { outcomeOf } from "../support/tool-box.js";

test("with ifExists a program runs where that is, and is unchanged elsewhere", async (t) => {
  const folder = await temporaryFolder(t);
  const [needed, made] = [join(folder, "needed"), join(folder, "made")];
  const host = localHost();
  const words = { run: ["touch", made], ifExists: needed };
  assert.equal(await outcomeOf("execute", words, { host }), "unchanged");
  assert.equal(existsSync(made), false);
  await writeFile(needed, "");
  assert.equal(await outcomeOf("execute", words, { host }), "done");
  assert.equal(existsSync(made), true);
});

test("a program that fails is told with its code, and with its last line when it said something", async () => {
  const host = localHost();
  const failing = (run: string) => outcomeOf("execute", { run }, { host });
  const silent = { code: "TASK_FAILED", message: "/bin/sh on this machine ended with 3" };
  await assert.rejects(failing("exit 3"), silent);
  const loud = { code: "TASK_FAILED", message: "/bin/sh on this machine ended with 3: broken" };
  await assert.rejects(failing("echo broken; exit 3"), loud);
});
