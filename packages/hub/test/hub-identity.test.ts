import assert from "node:assert/strict";
import { it } from "node:test";
import { simRandom } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { hubIdentity } from "../src/hub-identity.js";

it("a hub is the same as long as it has its ledger, and another one without", async () => {
  const random = simRandom(1);
  const store = openMemoryStore();
  const identity = await hubIdentity(store, random);
  assert.match(identity, /^[0-9a-f]{32}$/);
  assert.equal(await hubIdentity(store, random), identity);
  assert.notEqual(await hubIdentity(openMemoryStore(), random), identity);
});

it("a ledger with something else in that place is refused", async () => {
  const store = openMemoryStore();
  await store.transact({ writes: [{ kind: "put", key: "identity", value: 7 }] });
  await assert.rejects(hubIdentity(store, simRandom(1)), { code: "DATA_UNUSABLE" });
});
