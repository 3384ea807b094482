import assert from "node:assert/strict";
import { it } from "node:test";
import { simulate } from "@propagit/runtime";
import { loadIdentity } from "../src/identity.js";

it("is made once for a data folder, and read from then on", async () => {
  const world = simulate(1).worldOf("proxy");
  const first = await loadIdentity(world, "/data");
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.equal(await loadIdentity(world, "/data"), first);
  assert.notEqual(await loadIdentity(world, "/other"), first);
});

it("is not guessed when its file is damaged", async () => {
  const world = simulate(1).worldOf("proxy");
  await world.disk.writeAtomic("/data/identity", "nonsense");
  await assert.rejects(loadIdentity(world, "/data"), { code: "DATA_UNUSABLE" });
});
