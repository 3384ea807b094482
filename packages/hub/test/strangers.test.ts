/** What those send who do not belong to the cluster, or do not speak its language. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PropagitError, Telling } from "@propagit/protocol";
import { Conversation, sessionPaths } from "@propagit/runtime";
import { credential, hubAddress, SimHub } from "./support/sim-hub.js";

const code = (wanted: PropagitError["code"]) => (thrown: PropagitError) => thrown.code === wanted;

test("what a stranger, a stray or a liar sends ends his connection and nothing else", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  const { network } = hub.sim.worldOf("stranger");
  const wire = await hub.settle(network.connect(hubAddress, sessionPaths.hub, 1_000));
  let isClosed = false;
  wire.listen({ message: () => undefined, closed: () => (isClosed = true) });
  wire.send('{"v":1,"kind":"hello"}');
  await hub.sim.clock.until("the garbage is refused", () => isClosed);

  const stray = await hub.settle(hub.dial());
  const gone: Telling<"hub.instance-gone"> = { process: "x" };
  stray.tell("hub.instance-gone", gone);
  assert.equal((await hub.settle(stray.over)).code, "BAD_FRAME");

  const odd = await hub.settle(hub.dial());
  const join = { ...(drone?.introduction ?? assert.fail()), name: "no/good" };
  await assert.rejects(hub.settle(odd.call("hub.join", join)), code("BAD_NAME"));
  assert.equal((await hub.deploy("one")).result.outcome, "ready");
});

test("a client with a wrong secret is refused", async () => {
  const hub = await SimHub.start();
  const world = hub.sim.worldOf("stranger");
  const wire = await hub.settle(world.network.connect(hubAddress, sessionPaths.hub, 1_000));
  const side = {
    kind: "client",
    role: "cli",
    credential: { ...credential, key: "0".repeat(64) },
    acceptsOpen: false,
  } as const;
  const conversation = new Conversation(world, wire, { side });
  await assert.rejects(hub.settle(conversation.established), code("DENIED"));
});
