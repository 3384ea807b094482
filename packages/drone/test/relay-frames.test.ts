import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Telling } from "@propagit/protocol";
import { SimRelays } from "./support/sim-relays.js";

/** Two relays, each with a drone, and the connection that the first relay has to the hub. */
async function start() {
  const net = new SimRelays(1);
  net.startHub();
  const [first, second] = [net.startRelay("relay-a"), net.startRelay("relay-b")];
  const ways = [first.address, second.address];
  const one = net.startClient("drone-1", [first.address], second.address);
  const two = net.startClient("drone-2", ways.toReversed());
  const { clock } = net.sim;
  await clock.until("both are answered", () => one.answers > 3 && two.answers > 3, 30_000);
  const atHub = (host: string) =>
    [...net.conversations].find(({ remoteHost }) => remoteHost === host) ?? assert.fail(host);
  return { net, clock, first, one, two, atHub };
}

const malformed: readonly (readonly [string, unknown])[] = [
  ["of another shape", { channel: "1", text: "x" }],
  ["for a channel that never was", { channel: 900, text: "x" }],
  ["with too long a part", { channel: 1, text: "x".repeat(1_000_000) }],
];

describe("a relay's frame that nobody can read", () => {
  for (const [what, params] of malformed) {
    it(`ends the connection of that relay when it is ${what}, says why, and touches no other one`, async () => {
      const { clock, first, one, two, atHub } = await start();
      const carrier = atHub("relay-a");
      const [answers, before] = [two.answers, one.answers];
      const { state } = first.link;
      assert.ok(state.kind === "up");
      state.conversation.tell("relay.data", params as Telling<"relay.data">);
      await clock.until(
        "both ends have ended",
        () => !carrier.isOpen && !state.conversation.isOpen,
      );
      for (const { over } of [carrier, state.conversation]) {
        const { code, message } = await over;
        assert.equal(code, "BAD_FRAME");
        assert.match(message, /^relay\.data( was told wrongly)?: /);
      }
      await clock.until("the drone is answered again", () => one.answers > before + 3, 30_000);
      assert.deepEqual(two.reasons, []);
      assert.ok(two.answers > answers);
    });
  }

  it("inside of one drone's session ends that session alone", async () => {
    const { clock, first, one, two, atHub } = await start();
    const session = atHub("drone-1");
    const { state } = one.link;
    assert.ok(state.kind === "up");
    state.conversation.tell("relay.taken", { channel: 5, chars: 1 });
    await clock.until("it has ended", () => !session.isOpen);
    assert.equal((await session.over).code, "BAD_FRAME");
    assert.equal(first.link.state.kind, "up");
    assert.deepEqual(two.reasons, []);
    const { answers } = one;
    await clock.until("it is answered again", () => one.answers > answers + 3, 30_000);
    assert.equal(one.reasons[0]?.code, "BAD_FRAME");
  });
});
