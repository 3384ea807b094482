import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openMemoryStore, type Write } from "@propagit/store";
import { lifeWrite, readStored, storedPrefix, writeOf } from "../../src/core/stored.js";
import type { Lease } from "../../src/core/table.js";
import { endpoint } from "../support/samples.js";

const lease: Lease = { id: "f".repeat(32), ttlMs: 5_000, deadlineMs: 1, isConfirmed: true };

async function stored(writes: readonly (Write | undefined)[]) {
  const store = openMemoryStore();
  await store.transact({ writes: writes.flatMap((write) => write ?? []) });
  const { entries } = await store.list(storedPrefix);
  return readStored(entries);
}

describe("what is stored", () => {
  it("is read back as it was", async () => {
    const record = { lease: lease.id, endpoint: endpoint() };
    const restored = await stored([
      lifeWrite("life"),
      writeOf({ kind: "lease-kept", lease }, true),
      writeOf({ kind: "record-put", record }, false),
    ]);
    assert.deepEqual(restored, {
      hadMemory: true,
      leases: [{ id: lease.id, ttlMs: 5_000 }],
      records: [record],
      strange: 0,
    });
  });

  it("knows a first start from a start after nobody was there", async () => {
    assert.equal((await stored([])).hadMemory, false);
    assert.equal((await stored([lifeWrite("life")])).hadMemory, true);
  });

  it("is not written for a renewal", () => {
    assert.equal(writeOf({ kind: "lease-kept", lease }, false), undefined);
  });

  it("is left out where it makes no sense, and counted", async () => {
    const restored = await stored([
      { kind: "put", key: `${storedPrefix}lease/x`, value: { ttlMs: "soon" } },
      { kind: "put", key: `${storedPrefix}record/y`, value: [1] },
      writeOf({ kind: "record-put", record: { lease: "nobody's", endpoint: endpoint() } }, false),
    ]);
    assert.deepEqual(restored, { hadMemory: false, leases: [], records: [], strange: 2 });
  });
});
