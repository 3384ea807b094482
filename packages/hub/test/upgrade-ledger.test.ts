import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto, silentLog, SimClock } from "@propagit/runtime";
import { openMemoryStore, type Json, type Store } from "@propagit/store";
import { Ledger } from "../src/ledger.js";
import { upgradeLedger } from "../src/upgrade-ledger.js";

const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
];
const identity = "a".repeat(32);

/** Rows as the version before releases wrote them. */
const formerRows: Readonly<Record<string, Json>> = {
  identity: "f".repeat(32),
  [`deployments/webapp/${two}`]: { repo: "webapp", commit: two, since: 2_000 },
  [`deployments/webapp/${one}`]: { repo: "webapp", commit: one, since: 1_000 },
  [`deployments/webapp/${three}`]: { repo: "webapp", commit: three, since: 3_000 },
  "routes/webapp": {
    repo: "webapp",
    shares: [
      { commit: one, weight: 10 },
      { commit: two, weight: 90 },
    ],
  },
  [`operations/webapp/${three}`]: {
    goal: "deploy",
    repo: "webapp",
    commit: three,
    startedAt: 3_000,
    drones: [{ identity, drone: "web-1", isConcerned: true, ranBefore: false, staleFailures: [] }],
  },
  [`drones/${identity}`]: {
    identity,
    name: "web-1",
    wanted: "web-1",
    service: "web",
    host: "10.0.0.1",
    labels: {},
    version: "1.0.0",
    state: "connected",
    since: 500,
  },
  "events/000000000001": { number: 1, at: 900, kind: "pushed", text: "webapp was pushed" },
};

async function formerStore(): Promise<Store> {
  const store = openMemoryStore();
  const writes = Object.entries(formerRows).map(
    ([key, value]) => ({ kind: "put", key, value }) as const,
  );
  await store.transact({ writes });
  return store;
}

async function upgraded(store: Store): Promise<Ledger> {
  const world = { store, crypto: nodeCrypto, settingsKey: "5".repeat(64), log: silentLog };
  await upgradeLedger(world);
  return Ledger.open(store, new SimClock(9_000));
}

function describe(ledger: Ledger) {
  return {
    releases: [...ledger.rows("releases").values()].map(
      ({ number, commit, state, presence }) => `${number} ${commit[0]} ${state} ${presence}`,
    ),
    deployments: ledger.deployments.map(({ commit, environment, release }) => [
      commit,
      environment,
      release,
    ]),
    routes: ledger.routes.map(({ repo, environment, shares }) => [
      repo,
      environment,
      shares.map(({ commit, weight }) => [commit, weight]),
    ]),
    live: [...ledger.rows("environments").values()].map(({ live, lastRelease }) => [
      live,
      lastRelease,
    ]),
    rollouts: [...ledger.rows("rollouts").values()].map(({ number, phase }) => [number, phase]),
    drones: [...ledger.rows("drones").values()].map(({ name }) => name),
  };
}

const expected = {
  releases: ["1 1 ready running", "2 2 ready running", "3 3 deploying running"],
  deployments: [
    [one, "production", 1],
    [two, "production", 2],
    [three, "production", 3],
  ],
  routes: [
    [
      "webapp",
      "production",
      [
        [one, 10],
        [two, 90],
      ],
    ],
  ],
  live: [[[2], 3]],
  rollouts: [[3, "queued"]],
  drones: ["web-1"],
};

function inOrder({ deployments, ...rest }: ReturnType<typeof describe>) {
  const byRelease = (row: (typeof deployments)[number]) => Number(row[2]);
  return {
    ...rest,
    deployments: deployments.toSorted((left, right) => byRelease(left) - byRelease(right)),
  };
}

test("what an earlier version had deployed is a release each, with its visitors", async () => {
  const store = await formerStore();
  const ledger = await upgraded(store);
  assert.deepEqual(inOrder(describe(ledger)), expected);
  const [route] = ledger.routes;
  const known = new Set(ledger.deployments.map(({ id }) => id));
  assert.ok(route?.shares.every(({ deployment }) => known.has(deployment)));
  assert.equal((await ledger.events(10)).length, 1);
  const { entries } = await store.list("operations/");
  assert.deepEqual(entries, []);
  assert.deepEqual(inOrder(describe(await upgraded(store))), expected, "once more changes nothing");
});

test("an upgrade that is cut short at any write is done again", async () => {
  for (let allowed = 0; allowed < 4; allowed++) {
    const store = await formerStore();
    let left = allowed;
    const dying: Store = {
      get: (key) => store.get(key),
      list: (prefix) => store.list(prefix),
      watch: (options) => store.watch(options),
      close: () => store.close(),
      transact: (transaction) =>
        left-- > 0 ? store.transact(transaction) : Promise.reject(new Error("killed")),
    };
    await upgraded(dying).catch(() => undefined);
    assert.deepEqual(inOrder(describe(await upgraded(store))), expected, `after ${allowed}`);
  }
});

test("a new ledger needs no upgrade, and says its format", async () => {
  const store = openMemoryStore();
  await upgraded(store);
  assert.equal((await store.get("format"))?.value, 3);
});

test("a ledger of a newer version is not touched", async () => {
  const store = openMemoryStore();
  await store.transact({ writes: [{ kind: "put", key: "format", value: 4 }] });
  await assert.rejects(upgraded(store), (thrown: { code?: string; message?: string }) => {
    assert.match(thrown.message ?? "", /has format 4, .* knows format 3/);
    return thrown.code === "DATA_UNUSABLE";
  });
});

test("a damaged row of an earlier version is named", async () => {
  const store = openMemoryStore();
  const value = { repo: "webapp", commit: "no hash", since: 1 };
  await store.transact({ writes: [{ kind: "put", key: `deployments/webapp/${one}`, value }] });
  await assert.rejects(upgraded(store), (thrown: { code?: string; message?: string }) => {
    assert.match(thrown.message ?? "", /damaged at deployments\/webapp/);
    return thrown.code === "DATA_UNUSABLE";
  });
});
