/** A process that is killed with -9 while it writes a journal has lost nothing that it acknowledged. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { simRandom } from "@propagit/runtime";
import { openSqliteStore } from "@propagit/store";
import { openFolderJournal } from "../../src/system/folder-journal.js";
import { storeJournal } from "../../src/system/store-journal.js";

const writer = fileURLToPath(new URL("../support/endless-journal.js", import.meta.url));
const rounds = 8;
/** A writer lives this long after its first acknowledgement. */
const lifeMsMax = 100;

for (const kind of ["folder", "store"] as const) {
  it(`keeps every acknowledged event, in its order, through kill -9: ${kind}`, async (t) => {
    const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
    t.diagnostic(`kills by SEED=${seed}`);
    const random = simRandom(seed);
    const folder = mkdtempSync(join(tmpdir(), "propagit-plan-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "journal");
    let former = 0;
    for (let round = 0; round < rounds; round++) {
      const acknowledged = await writeUntilKilled(kind, path, random.fraction() * lifeMsMax);
      const times = await timesIn(kind, path);
      assert.deepEqual(
        times,
        times.map((_, at) => at),
      );
      assert.ok(times.length >= acknowledged, `${acknowledged} of ${times.length}, SEED=${seed}`);
      assert.equal(times.length % 2, 0, "a batch is there by half");
      assert.ok(acknowledged > former, "the writer went on where the journal ended");
      former = acknowledged;
    }
  });
}

async function timesIn(kind: "folder" | "store", path: string): Promise<readonly number[]> {
  const store = kind === "store" ? await openSqliteStore(path) : undefined;
  const journal = store ? storeJournal(store) : await openFolderJournal(path);
  const { events } = await journal.read("a");
  await journal.close();
  await store?.close();
  return events.map(({ at }) => at);
}

/** Starts a writer, kills it `lifeMs` after its first acknowledgement; the newest that it saw. */
function writeUntilKilled(kind: string, path: string, lifeMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [writer, kind, path]);
    const kill = () => child.kill("SIGKILL");
    let output = "";
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.on("data", (chunk: Buffer) => {
      if (output === "") setTimeout(kill, lifeMs);
      output += chunk.toString();
    });
    child.once("close", () => {
      const last = output.split("\n").slice(0, -1).at(-1);
      if (last === undefined || errors !== "") reject(new Error(`the writer failed: ${errors}`));
      else resolve(Number(last));
    });
  });
}
