import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { eventsKept, type DeploymentRow } from "../src/core/rows.js";
import { Ledger } from "../src/ledger.js";

const commit = "7".repeat(40);
const key = "d".repeat(16);
const row: DeploymentRow = {
  id: key,
  repo: "webapp",
  environment: "production",
  commit,
  release: 1,
  specification: { services: [], routes: [], promote: "first" },
  settings: {},
  since: 1,
  started: true,
  services: [],
};
const deployment = { id: key, repo: "webapp", environment: "production", commit, release: 1 };
const event = { kind: "deployed", text: "it is" } as const;
const put = { table: "deployments", key, row } as const;

async function openLedger(store: Store = openMemoryStore()) {
  return { store, ledger: await Ledger.open(store, new SimClock(1_000)) };
}

test("a change is there at once, and after a restart, together with its events", async () => {
  const { store, ledger } = await openLedger();
  await ledger.change(() => ({ edits: [put], events: [event] }));
  const again = await openLedger(store);
  for (const each of [ledger, again.ledger]) {
    assert.deepEqual(each.deployments, [deployment]);
    assert.deepEqual(await each.events(10), [{ ...event, number: 1, at: 1_000 }]);
  }
  assert.ok(again.ledger.revision >= ledger.revision);
});

test("changes are decided one after the other, each on what the one before left", async () => {
  const { ledger } = await openLedger();
  const seen: number[] = [];
  const change = (at: number) =>
    ledger.change(() => {
      seen.push(ledger.deployments.length);
      return { edits: [{ ...put, key: `${key}${at}` }], events: [] };
    });
  await Promise.all([change(1), change(2), change(3)]);
  assert.deepEqual(seen, [0, 1, 2]);
});

test("a change that is refused, or that the store refuses, changes nothing and holds up nobody", async () => {
  const store = openMemoryStore();
  let isFull = false;
  const full: Store = {
    get: (wanted) => store.get(wanted),
    list: (prefix) => store.list(prefix),
    watch: (options) => store.watch(options),
    close: () => store.close(),
    transact: (transaction) =>
      isFull ? Promise.reject(new Error("no space")) : store.transact(transaction),
  };
  const { ledger } = await openLedger(full);
  const refused = ledger.change(() => {
    throw new Error("not allowed");
  });
  await assert.rejects(refused, /not allowed/);
  isFull = true;
  await assert.rejects(
    ledger.change(() => ({ edits: [put], events: [event] })),
    /no space/,
  );
  assert.deepEqual(ledger.deployments, []);
  isFull = false;
  await ledger.change(() => ({ edits: [put], events: [event] }));
  assert.deepEqual(await ledger.events(10), [{ ...event, number: 1, at: 1_000 }]);
});

test("events that come in a crowd are written together, in order, and the oldest go", async () => {
  const store = openMemoryStore();
  let writes = 0;
  const counting: Store = {
    get: (wanted) => store.get(wanted),
    list: (prefix) => store.list(prefix),
    watch: (options) => store.watch(options),
    close: () => store.close(),
    transact: (transaction) => {
      writes++;
      return store.transact(transaction);
    },
  };
  const { ledger } = await openLedger(counting);
  for (let at = 0; at < 6_000; at++) ledger.note({ kind: "pushed", text: `${at}` });
  await ledger.settled();
  for (let at = 6_000; at < 12_000; at++) ledger.note({ kind: "pushed", text: `${at}` });
  await ledger.settled();
  const events = await ledger.events(20_000);
  assert.equal(events.length, eventsKept);
  assert.equal(events.at(-1)?.text, "11999");
  assert.equal(events[0]?.text, "2000");
  assert.ok(writes < 100, `${writes} writes`);
});

test("a ledger that is damaged is not opened", async () => {
  const store = openMemoryStore();
  const value = { ...row, commit: "no hash" };
  await store.transact({ writes: [{ kind: "put", key: `deployments/${key}`, value }] });
  await assert.rejects(openLedger(store), (thrown: { code?: string; message?: string }) => {
    assert.match(thrown.message ?? "", /damaged at deployments\/dddd/);
    return thrown.code === "DATA_UNUSABLE";
  });
});

test("who listens is told of changes after they are written, and of each event", async () => {
  const { ledger } = await openLedger();
  const told: string[] = [];
  const listening = ledger.listen({
    changed: (tables) => told.push(`${[...tables].join()} ${ledger.deployments.length}`),
    happened: ({ number, text }) => told.push(`${number} ${text}`),
  });
  await ledger.change(() => ({ edits: [put], events: [event] }));
  await ledger.change(() => undefined);
  listening.stop();
  await ledger.change(() => ({ edits: [], events: [event] }));
  assert.deepEqual(told, ["deployments 1", "1 it is"]);
});

test("who waits for a change goes on before the next one is decided", async () => {
  const { ledger } = await openLedger();
  const order: string[] = [];
  const first = ledger
    .change(() => ({ edits: [put], events: [] }))
    .then(() => order.push("the first is taken note of"));
  const second = ledger.change(() => {
    order.push("the second is decided");
    return undefined;
  });
  await Promise.all([first, second]);
  assert.deepEqual(order, ["the first is taken note of", "the second is decided"]);
});
