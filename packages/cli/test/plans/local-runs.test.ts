/** What is kept of runs of this machine. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { openFolderJournal, readPlan, Run, summaryOf, toolBox } from "@propagit/plan";
import { LocalRuns } from "../../src/plans/local-runs.js";

it("runs that are over or were broken off are kept, the newest 200; one that is carried out always is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "propagit-runs-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const value = { name: "p", stages: [{ name: "s", tasks: [] }] };
  const plan = readPlan({ maker: "test", value }, toolBox);
  // Another process: what it has is carried out.
  const other = await openFolderJournal(folder);
  t.after(() => other.close());
  const id = (number: number) => String(number).padStart(10, "0");
  await other.create(id(0), plan);
  const runs = await LocalRuns.open(folder);
  t.after(() => runs.journal.close());
  for (let number = 1; number <= 203; number++) {
    await runs.journal.create(id(number), plan);
    const events = [{ at: number, kind: "run-begun", by: "ann", locks: [] }] as const;
    await runs.journal.append(id(number), events);
    if (number % 2 === 0) {
      await runs.journal.conclude(id(number), summaryOf(id(number), new Run(plan, events)));
    }
    await runs.journal.release(id(number));
  }
  await runs.prune();
  const left = (await runs.journal.list()).map(({ run }) => run);
  assert.equal(left.length, 201);
  assert.ok(left.includes(id(0)) && left.includes(id(203)));
  for (const gone of [1, 2, 3]) assert.ok(!left.includes(id(gone)), id(gone));
});
