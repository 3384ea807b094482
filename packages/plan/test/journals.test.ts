/** One contract, every journal. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { openMemoryStore, openSqliteStore, type Store } from "@propagit/store";
import { batchMax } from "../src/core/event-batch.js";
import { Run } from "../src/core/run.js";
import { summaryOf } from "../src/core/run-status.js";
import type { RunEvent } from "../src/run-event.js";
import { SimJournal } from "../src/simulated/sim-journal.js";
import { openFolderJournal } from "../src/system/folder-journal.js";
import { storeJournal } from "../src/system/store-journal.js";
import type { Journal } from "../src/world.js";
import { makePlan, wideStage } from "./support/plans.js";

const plan = makePlan([wideStage(3, 2, { name: 'ä\u{1f600}\n"' })]);
const run = new Run(plan, [{ at: 1, kind: "run-begun", by: "anna", locks: [] }]);
const summary = summaryOf("a", run);

let folder: string;
let stores: Store[];

const journals: Readonly<Record<string, () => Promise<Journal>>> = {
  "in memory": async () => new SimJournal(),
  "in a store in memory": async () => storeJournal(openMemoryStore()),
  "in SQLite": async () => {
    const store = await openSqliteStore(join(folder, "hub.db"));
    stores.push(store);
    return storeJournal(store);
  },
  "in a folder": () => openFolderJournal(join(folder, "plans")),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "propagit-plan-"));
  stores = [];
});

afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const [kind, open] of Object.entries(journals)) {
  describe(`a journal ${kind}`, () => {
    let journal: Journal;

    beforeEach(async () => {
      journal = await open();
    });

    afterEach(() => journal.close());

    it("gives back a plan and its events, in their order", async () => {
      await journal.create("a", plan);
      assert.deepEqual(await journal.read("a"), { plan, events: [] });
      await journal.append("a", [event(1), event(2)]);
      await journal.append("a", [event(3)]);
      assert.deepEqual(await journal.read("a"), { plan, events: [1, 2, 3].map(event) });
    });

    it("writes what is asked for at the same time in the order of the asking", async () => {
      await journal.create("a", plan);
      await journal.create("b", plan);
      const numbers = Array.from({ length: 50 }, (_, at) => at);
      const asked = numbers.flatMap((at) => [
        journal.append("a", [event(at)]),
        journal.append("b", [event(1_000 + at), event(at)]),
      ]);
      await Promise.all(asked);
      assert.deepEqual((await journal.read("a")).events, numbers.map(event));
      const both = numbers.flatMap((at) => [event(1_000 + at), event(at)]);
      assert.deepEqual((await journal.read("b")).events, both);
    });

    it("lists runs, newest first, with what became of them", async () => {
      assert.deepEqual(await journal.list(), []);
      for (const id of ["b", "a", "c"]) await journal.create(id, plan);
      await journal.append("b", [event(1)]);
      await journal.conclude("a", summary);
      assert.deepEqual(await journal.list(), [{ run: "c" }, { run: "a", summary }, { run: "b" }]);
      await journal.conclude("a", undefined);
      await journal.remove("c");
      await journal.remove("c");
      assert.deepEqual(await journal.list(), [{ run: "a" }, { run: "b" }]);
    });

    it("refuses a second run of the same id, and knows what is not there", async () => {
      await journal.create("a", plan);
      await assert.rejects(journal.create("a", plan), { code: "EXISTS" });
      await assert.rejects(journal.read("b"), { code: "NO_PLAN" });
      await assert.rejects(journal.append("b", [event(1)]), { code: "NO_PLAN" });
      await assert.rejects(journal.conclude("b", summary), { code: "NO_PLAN" });
      await assert.rejects(journal.take("b"), { code: "NO_PLAN" });
      await journal.remove("a");
      await journal.create("a", plan);
      assert.deepEqual((await journal.read("a")).events, []);
    });

    it("takes a plan and a batch as large as they come", async () => {
      const large = makePlan([wideStage(20_000, 100, { name: "é".repeat(1_000) })]);
      await journal.create("a", large);
      const lastLines = Array.from({ length: 20 }, () => '\u{1}"\u{1f600}'.repeat(120));
      const chars = lastLines.join("").length + 230;
      const events = Array.from({ length: Math.floor(batchMax.chars / chars) }, (_, at) => {
        return { ...event(at), lastLines };
      });
      await journal.append("a", events);
      const many = Array.from({ length: batchMax.events }, (_, at) => event(at));
      await journal.append("a", many);
      assert.deepEqual(await journal.read("a"), { plan: large, events: [...events, ...many] });
    });
  });
}

describe("a journal in a folder", () => {
  const file = () => join(folder, "plans", "a", "run");

  async function written(): Promise<void> {
    const journal = await journals["in a folder"]?.();
    await journal?.create("a", plan);
    for (const at of [1, 2, 3]) await journal?.append("a", [event(at)]);
    await journal?.close();
  }

  it("drops a last line that was cut short, wherever, and goes on after what is whole", async () => {
    await written();
    const whole = readFileSync(file());
    const last = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (let length = last; length < whole.length; length += 7) {
      truncateSync(file(), length);
      const journal = await openFolderJournal(join(folder, "plans"));
      assert.deepEqual((await journal.read("a")).events, [event(1), event(2)]);
      assert.equal(await journal.take("a"), true);
      await journal.append("a", [event(4)]);
      assert.deepEqual((await journal.read("a")).events, [event(1), event(2), event(4)]);
      await journal.close();
      writeFileSync(file(), whole);
    }
  });

  it("drops a last line of which only the end arrived", async () => {
    await written();
    appendFileSync(file(), `${"\0".repeat(40)}]\n`);
    const journal = await openFolderJournal(join(folder, "plans"));
    assert.equal((await journal.read("a")).events.length, 3);
  });

  it("refuses any other damage", async () => {
    await written();
    const bytes = readFileSync(file());
    const middle = bytes.indexOf("task-ended");
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(file(), bytes);
    const journal = await openFolderJournal(join(folder, "plans"));
    await assert.rejects(journal.read("a"), (thrown: unknown) => {
      assert.ok(thrown instanceof PropagitError);
      assert.equal(thrown.code, "DATA_UNUSABLE");
      assert.match(thrown.message, /plan a is damaged: line 3 was changed/);
      return true;
    });
    assert.deepEqual(await journal.list(), [{ run: "a" }]);
  });

  it("lets no two carry out the same run", async () => {
    await written();
    const one = await openFolderJournal(join(folder, "plans"));
    assert.equal(await one.take("a"), true);
    const other = await openFolderJournal(join(folder, "plans"));
    assert.equal(await other.take("a"), false);
    await one.release("a");
    assert.equal(await other.take("a"), true);
    await assert.rejects(one.append("a", [event(4)]), { code: "NO_PLAN" });
    await other.close();
  });

  it("refuses ids that are no names", async () => {
    const journal = await openFolderJournal(join(folder, "plans"));
    for (const id of ["", ".", "../a", "a/b", "a".repeat(65)]) {
      await assert.rejects(journal.create(id, plan), { code: "BAD_NAME" }, id);
      await journal.remove(id);
    }
  });
});

function event(at: number): RunEvent {
  return { at, kind: "task-ended", task: "1.1.1", outcome: "done" };
}
