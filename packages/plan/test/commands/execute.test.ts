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
