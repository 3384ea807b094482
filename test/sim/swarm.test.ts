/** Hundreds of drones in virtual time, with the real exchange and tracker; `bench:swarm simulated` has thousands. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { costOfHub, runVirtualSwarm } from "@propagit/test-support";

const messagesPerDroneMax = 15;

async function measure(drones: number) {
  const bytesPerSecond = 2_000_000;
  const artifact = { pieces: 64, pieceBytes: 32 * 1024 };
  const { messagesIn, messagesOut, ms } = await runVirtualSwarm({
    ...artifact,
    drones,
    bytesPerSecond,
    zones: 4,
  });
  return { ms, messages: (messagesIn.length + messagesOut) / drones, messagesIn };
}

describe("a swarm of hundreds", () => {
  it("takes little longer than one of dozens, with as few messages to the hub", async () => {
    const small = await measure(64);
    const large = await measure(300);
    assert.ok(large.ms <= 2 * small.ms, `${large.ms} ms, of 64: ${small.ms} ms`);
    for (const { messages } of [small, large])
      assert.ok(messages <= messagesPerDroneMax, `${messages} messages for each drone`);
    const { heapBytes } = costOfHub(large.messagesIn);
    assert.ok(heapBytes / 300 < 32 * 1024, `${heapBytes / 300} bytes of the hub for each drone`);
  });

  it("runs the same again with the same seed", async () => {
    const [first, second] = [await measure(20), await measure(20)];
    assert.equal(first.ms, second.ms);
    assert.equal(first.messages, second.messages);
  });
});
