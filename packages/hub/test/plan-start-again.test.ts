/** Whoever lost the answer to `hub.plan-start` asks once more, with the same id: what began is not refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedChange } from "@propagit/protocol";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";

async function planText(hub: SimHub, change: PlannedChange) {
  const pieces: string[] = [];
  const onPart = (part: unknown) => {
    if (typeof part === "string") pieces.push(part);
  };
  const { text, hash } = await hub.call("hub.plan-make", { change }, { onPart });
  return { plan: pieces.join("") + text, hash, file: "the plan", by: "ann" };
}

const changes: readonly PlannedChange[] = [
  { kind: "drain", drone: "web-1" },
  { kind: "deploy", repo, ref: commits.two },
];

for (const change of changes) {
  test(`a plan of a ${change.kind} that is begun is told again, and goes on once`, async () => {
    const hub = await SimHub.start();
    await hub.drones("web-1", "web-2");
    await hub.deploy(commits.one);
    const asked = { ...(await planText(hub, change)), id: "0123456789" };
    const first = await hub.call("hub.plan-start", asked);
    assert.deepEqual(first, { id: asked.id, hash: asked.hash });
    assert.deepEqual(await hub.call("hub.plan-start", asked), first);
    const isOver = async () => (await hub.call("hub.plans", {})).plans[0]?.state === "over";
    while (!(await isOver())) await hub.sim.clock.advance(1_000);
    assert.deepEqual(await hub.call("hub.plan-start", asked), first);
    const { plans } = await hub.call("hub.plans", {});
    assert.deepEqual(
      plans.filter(({ run }) => run === asked.id).map(({ outcome }) => outcome),
      ["done"],
    );
    assert.equal(plans.length, 2, "the deploy before it, and itself");
  });
}

test("the id of another plan is refused", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  const id = "0123456789";
  const drain = (drone: string) => planText(hub, { kind: "drain", drone });
  await hub.call("hub.plan-start", { ...(await drain("web-1")), id });
  const other = { ...(await drain("web-2")), id };
  await assert.rejects(hub.call("hub.plan-start", other), { code: "EXISTS" });
});
