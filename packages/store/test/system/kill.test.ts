/** A process that is killed with -9 while it writes has lost nothing that it acknowledged. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, it } from "node:test";
import { fileURLToPath } from "node:url";
import { simRandom } from "@propagit/runtime";
import { openSqliteStore, type Store } from "../../src/index.js";
import { follow, keyOf, revisionOf, settled } from "../support/values.js";

const writer = fileURLToPath(new URL("../support/endless-writer.js", import.meta.url));
const rounds = 20;
/** A writer lives this long after its first acknowledgement; some rounds end within its first write. */
const lifeMsMax = 120;
const startMsMax = 20_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("keeps every acknowledged write, whole, through kill -9 at random moments", async (t) => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  t.diagnostic(`kills by SEED=${seed}`);
  const random = simRandom(seed);
  const path = join(folder, "ledger.db");
  const acknowledged = new Set<number>();
  let revision = 0;
  let next = 0;
  let logsLeft = 0;
  for (let round = 0; round < rounds; round++) {
    const printed = await writeUntilKilled(path, next, random.fraction() * lifeMsMax);
    for (const number of printed) acknowledged.add(number);
    if (existsSync(`${path}-wal`)) logsLeft++;
    const store = await openSqliteStore(path);
    const numbers = await checkWhole(store);
    for (const number of acknowledged) {
      assert.ok(
        numbers.has(number),
        `write ${number} was acknowledged, round ${round}, SEED=${seed}`,
      );
    }
    const newest = (await store.list("newest/")).revision;
    assert.ok(newest >= revision + printed.length, "revisions rise");
    revision = newest;
    next = Math.max(...numbers) + 1;
    await store.close();
  }
  assert.ok(acknowledged.size > rounds, "the writers had time to write");
  assert.ok(logsLeft > rounds / 2, "the writers were killed at work");
  t.diagnostic(`${acknowledged.size} acknowledged writes survived ${rounds} kills`);
});

/** That no transaction is there by half, in what is and in how it came; the numbers that are there. */
async function checkWhole(store: Store): Promise<ReadonlySet<number>> {
  const left = (await store.list("left/")).entries.map(({ value }) => value);
  const right = (await store.list("right/")).entries.map(({ value }) => value);
  assert.deepEqual(left, right, "half a transaction is there");
  const { revision } = await store.list("");
  assert.equal(revision, left.length, "each transaction has one revision");
  const since = Math.max(0, revision - 100);
  const { seen, watch } = follow(store, since);
  await settled();
  watch.stop();
  assert.equal(seen.length, (revision - since) * 3);
  for (const change of seen.filter((one) => keyOf(one).startsWith("left/"))) {
    const entry = await store.get(keyOf(change));
    assert.equal(entry?.revision, revisionOf(change));
  }
  return new Set(left.map((value) => (value as { number: number }).number));
}

/** Starts a writer, kills it `lifeMs` after its first acknowledgement; what it saw acknowledged. */
function writeUntilKilled(path: string, first: number, lifeMs: number): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [writer, path, String(first)]);
    const kill = () => child.kill("SIGKILL");
    const tooLate = setTimeout(kill, startMsMax);
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
      clearTimeout(tooLate);
      if (output === "" || errors !== "") reject(new Error(`the writer failed: ${errors}`));
      // The last line may be cut off; what is before the last line break is not.
      else resolve(output.split("\n").slice(0, -1).map(Number));
    });
  });
}
