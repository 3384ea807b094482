import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@propagit/runtime";
import { isNearlyFull } from "../src/core/disk-guard.js";
import { changed, Draft } from "../src/core/draft.js";
import { releaseKey } from "../src/core/rows.js";
import type { Member } from "../src/fleet.js";
import { RetentionDesk } from "../src/retention-desk.js";
import { callOf, commitOf, makeDeskBench, type DeskBench } from "./support/desk-bench.js";

const hourMs = 3_600_000;
const manifest = (name: string, keep: string) =>
  `services:\n  web: { command: node ${name}.mjs }\nkeep: { ${keep} }\n`;

interface Retained extends DeskBench {
  readonly retention: RetentionDesk;
  readonly asked: string[];
  diskFreeBytes: number;
  release(name: string, keep?: string): Promise<void>;
  presences(): Readonly<Record<number, string>>;
  /** Lets virtual time pass, and what it sets in motion settle. */
  pass(ms: number): Promise<void>;
}

async function makeRetained(): Promise<Retained> {
  const bench = await makeDeskBench();
  const asked: string[] = [];
  const members = Array.from({ length: 20 }, (_, at) => ({
    identity: `i${at}`,
    name: `web-${at}`,
    contact: "connected",
  })) as unknown as readonly Member[];
  const fleet = {
    members: new Map(members.map((member) => [member.identity, member])),
    call: async (identity: string) => {
      asked.push(identity);
      const machine = { load: 0, cores: 1, memoryBytes: 1, memoryFreeBytes: 1 };
      const disk = { diskBytes: 100 * 1024 ** 3, diskFreeBytes: retained.diskFreeBytes };
      return { machine: { ...machine, ...disk }, usages: [] };
    },
  } as unknown as ConstructorParameters<typeof RetentionDesk>[2];
  const { clock, ledger, repositories } = bench;
  const world = { clock, repositories, log: silentLog };
  const retained: Retained = {
    ...bench,
    asked,
    retention: new RetentionDesk(world, ledger, fleet),
    diskFreeBytes: 50 * 1024 ** 3,
    release: async (name, keep = "releases: 3, warm: 1, for: 24h") => {
      await bench.deploy(name, manifest(name, keep));
    },
    presences: () =>
      Object.fromEntries(
        [...ledger.rows("releases").values()].map((row) => [row.number, row.presence]),
      ),
    pass: async (ms) => {
      await clock.advance(ms);
      await ledger.settled();
      await clock.advance(0);
    },
  };
  return retained;
}

test("what is over is stopped and removed when its time has come, and not before", async () => {
  const bench = await makeRetained();
  bench.retention.start();
  for (const name of ["one", "two", "three", "four", "five"]) await bench.release(name);
  await bench.pass(23 * hourMs);
  assert.deepEqual(new Set(Object.values(bench.presences())), new Set(["running"]));
  await bench.pass(2 * hourMs);
  assert.deepEqual(bench.presences(), {
    1: "removed",
    2: "removed",
    3: "kept",
    4: "running",
    5: "running",
  });
  const left = [...bench.ledger.rows("deployments").values()].map(({ release }) => release);
  assert.deepEqual(left, [4, 5]);
  const events = (await bench.ledger.events(10)).filter(({ kind }) => kind === "reaped");
  assert.match(
    events[0]?.text ?? "",
    /^release 3 of webapp was stopped: its visitors left 24 h ago$/,
  );
  assert.equal(events.length, 3);
  await bench.retention.stop();
});

test("a dry run tells what would go and why the rest stays, and does nothing", async () => {
  const bench = await makeRetained();
  for (const name of ["one", "two", "three", "four"]) {
    await bench.release(name, "releases: 2, warm: 0, for: 0s");
  }
  await bench.releases.pin({ repo: "webapp", release: 2, pinned: true, by: "ann" });
  const told = await bench.retention.reap({ repo: "webapp", dryRun: true });
  assert.deepEqual(
    told.releases.map(({ number, action, why }) => [number, action, why]),
    [
      [4, "stay", "visitors are sent to it"],
      [3, "stay", "a rollback goes back to it"],
      [2, "stay", "it is pinned"],
      [1, "remove", "its visitors left just now, and there are 2 newer ones, and no more are kept"],
    ],
  );
  assert.equal(bench.presences()[1], "running");
  assert.deepEqual((await bench.retention.reap({ repo: "other", dryRun: false })).releases, []);
  await bench.retention.reap({ dryRun: false });
  assert.equal(bench.presences()[1], "removed");
  assert.equal(bench.presences()[2], "running");
});

test("with a release, its commit and what was built of it are let go, unless another needs them", async () => {
  const bench = await makeRetained();
  const keep = "releases: 1, warm: 0, for: 0s";
  await bench.release("one", keep);
  await bench.releases.deploy(
    { repo: "webapp", ref: "main", environment: "staging", by: "ann" },
    callOf("hub.deploy").call,
  );
  await bench.release("two", keep);
  await bench.release("three", keep);
  const [one, built] = [commitOf("one"), commitOf("built")];
  bench.repositories.kept.add(`webapp/${one}`);
  bench.repositories.built.set(built, one);
  await bench.retention.reap({ dryRun: false });
  assert.equal(bench.row(1).presence, "removed");
  assert.equal(bench.repositories.kept.has(`webapp/${one}`), true, "staging has it too");
  assert.equal(bench.repositories.built.has(built), false);
});

test("releases of a repository without a manifest stay as they are", async () => {
  const bench = await makeRetained();
  for (const name of ["one", "two", "three"]) await bench.deploy(name);
  await bench.retention.reap({ dryRun: false });
  assert.deepEqual(bench.presences(), { 1: "running", 2: "running", 3: "running" });
});

test("a thousand releases of an environment are remembered, and what matters among the older ones", async () => {
  const bench = await makeRetained();
  await bench.release("one");
  const draft = new Draft(bench.ledger);
  const first = changed(bench.row(1), { presence: "removed" });
  for (let number = 2; number <= 1_003; number++) {
    const row = { ...first, number, deployment: number.toString(16).padStart(16, "0") };
    draft.put("releases", releaseKey("webapp", "production", number), row);
  }
  const pinned = { ...first, number: 2, deployment: "2".repeat(16), pinned: true };
  draft.put("releases", releaseKey("webapp", "production", 2), pinned);
  for (let at = 0; at < draft.change.edits.length; at += 100) {
    const edits = draft.change.edits.slice(at, at + 100);
    await bench.ledger.change(() => ({ edits, events: [] }));
  }
  await bench.retention.reap({ dryRun: false });
  const numbers = Object.keys(bench.presences()).map(Number);
  assert.deepEqual(numbers.sort((left, right) => left - right).slice(0, 3), [1, 2, 4]);
  assert.equal(numbers.length, 1_002);
});

test("a nearly full disk lets them go early; each drone is asked once in five minutes", async () => {
  const bench = await makeRetained();
  bench.retention.start();
  for (const name of ["one", "two", "three"]) await bench.release(name);
  await bench.pass(5 * 60_000);
  assert.equal(new Set(bench.asked).size, 20);
  assert.equal(bench.asked.length, 20);
  assert.equal(bench.presences()[1], "running");
  bench.diskFreeBytes = 1024 ** 3;
  await bench.pass(2 * 60_000);
  assert.equal(bench.presences()[1], "kept");
  await bench.retention.stop();
});

test("a disk is nearly full when both a tenth and 5 GiB are not free any more", () => {
  const machine = { load: 0, cores: 1, memoryBytes: 1, memoryFreeBytes: 1 };
  const gib = 1024 ** 3;
  const of = (diskBytes: number, diskFreeBytes: number) =>
    isNearlyFull({ ...machine, diskBytes, diskFreeBytes });
  assert.equal(of(100 * gib, 4 * gib), true);
  assert.equal(of(20 * gib, 4 * gib), false, "a fifth of a small one");
  assert.equal(of(1_000 * gib, 6 * gib), false);
  assert.equal(of(0, 0), false, "nobody knows");
});
