import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  channelCreditChars,
  channelsMax,
  channelTextCharsMax,
  frameBytesMax,
} from "@propagit/protocol";
import { spliceWires, type Wire } from "../src/index.js";
import { collect, relayed } from "./support/relayed.js";

/** A tunnel whose far ends are collected, in the order of opening. */
async function setUp() {
  const far: { readonly wire: Wire; readonly heard: string[]; readonly ends: string[] }[] = [];
  const tunnel = await relayed((wire) => far.push({ wire, ...collect(wire) }));
  return { ...tunnel, farWires: far, clock: tunnel.sim.clock };
}

/** A wire whose reader takes nothing until it is told to: what is sent to it waits. */
function slowWire() {
  const sent: string[] = [];
  const wire: Wire & { isStuck: boolean; readonly sent: string[]; readonly held: boolean[] } = {
    isStuck: true,
    sent,
    held: [],
    remoteHost: "slow",
    send: (text) => void sent.push(text),
    get bufferedBytes() {
      return this.isStuck ? sent.reduce((sum, { length }) => sum + length, 0) : 0;
    },
    hold(isHeld) {
      this.held.push(isHeld);
    },
    listen: () => undefined,
    close: () => undefined,
  };
  return wire;
}

describe("a tunnel", () => {
  it("carries messages of any size whole and in order, both ways", async () => {
    const { near, clock, farWires } = await setUp();
    const wire = near.open("/session", "10.0.0.9");
    const back = collect(wire);
    const texts = ["", "a", `ü"\\\n\u{1f600}`.repeat(40_000), "x".repeat(1_000_000), "z"];
    for (const text of texts) wire.send(text);
    await clock.until("all came", () => farWires[0]?.heard.length === texts.length);
    assert.deepEqual(farWires[0]?.heard, texts);
    for (const text of texts) farWires[0]?.wire.send(text);
    await clock.until("all came back", () => back.heard.length === texts.length);
    assert.deepEqual(back.heard, texts);
    assert.equal(farWires[0]?.wire.remoteHost, "10.0.0.9");
  });

  it("lets a heartbeat pass a flood of another channel", async () => {
    const { near, clock, farWires } = await setUp();
    const [loud, quiet] = [near.open("/session", "loud"), near.open("/session", "quiet")];
    for (let message = 0; message < 40; message++) loud.send("x".repeat(1_000_000));
    quiet.send("still here");
    await clock.until("the quiet one is heard", () => farWires[1]?.heard.length === 1, 1_000);
    assert.ok((farWires[0]?.heard.length ?? 0) < 40, "the flood is still under way");
  });

  it("sends no more than its credit to a reader that takes nothing, and goes on when it does", async () => {
    const slow = slowWire();
    const { near, sim } = await relayed((wire) => spliceWires(sim.clock, wire, slow));
    const wire = near.open("/session", "fast");
    const total = 20 * 100_000;
    for (let message = 0; message < 20; message++) wire.send("x".repeat(100_000));
    await sim.clock.advance(60_000);
    const sent = slow.sent.join("").length;
    // Until it is held, and from then on one more credit.
    assert.ok(sent <= 2 * channelCreditChars + 200_000, `${sent} characters got through`);
    assert.ok(wire.bufferedBytes > total / 2, "the rest waits at its sender");
    slow.isStuck = false;
    await sim.clock.until("all of it came", () => slow.sent.join("").length === total);
    assert.equal(wire.bufferedBytes, 0);
  });

  it("ends all channels with its conversation, and opens none from then on", async () => {
    const { near, clock, client, farWires, hub } = await setUp();
    const ends = [near.open("/session", "a"), near.open("/registry", "b")].map(collect);
    await clock.advance(100);
    hub.kill();
    await clock.until("all ended", () => ends.every((one) => one.ends.length === 1));
    await client.over;
    await clock.until("there, too", () => farWires.every((one) => one.ends.length === 1));
    assert.throws(() => near.open("/session", "c"), { code: "LINK_LOST" });
    assert.equal(near.size, 0);
  });

  it("says why the other side closed a channel", async () => {
    const { near, clock, farWires } = await setUp();
    const { ends } = collect(near.open("/session", "a"));
    await clock.until("it is open", () => farWires.length === 1);
    farWires[0]?.wire.close();
    await clock.until("it is closed", () => ends.length === 1);
    assert.deepEqual(ends, ["closed"]);
  });

  it("ends a channel whose message is larger than a frame", async () => {
    const { near, clock, farWires } = await setUp();
    const wire = near.open("/session", "a");
    const { ends } = collect(wire);
    wire.send("x".repeat(frameBytesMax + 1));
    await clock.until("it is over", () => ends.length === 1);
    assert.deepEqual(ends, ["a frame of more than 4 MiB came"]);
    assert.deepEqual(farWires[0]?.heard, []);
  });

  it("opens no more channels than it may, and again when one has ended", async () => {
    const { near, clock } = await setUp();
    const wires = Array.from({ length: channelsMax }, () => near.open("/session", "many"));
    assert.throws(() => near.open("/session", "one more"), { code: "OVERLOADED" });
    wires[0]?.close();
    near.open("/session", "one more");
    await clock.advance(100);
  });

  it("ends a conversation that tells data for a channel that never was", async () => {
    const { near, clock, client, server } = await setUp();
    near.open("/session", "a");
    client.tell("relay.data", { channel: 9, text: "x" });
    await clock.advance(100);
    assert.equal((await server.over).code, "BAD_FRAME");
  });

  it("ends a conversation that tells more than it has credit for", async () => {
    const { near, clock, client, server, farWires } = await setUp();
    near.open("/session", "a");
    await clock.until("it is open", () => farWires.length === 1);
    farWires[0]?.wire.hold?.(true);
    const text = "x".repeat(channelTextCharsMax);
    for (let part = 0; part < 16; part++) client.tell("relay.data", { channel: 1, text });
    await clock.advance(100);
    assert.equal((await server.over).code, "BAD_FRAME");
  });

  it("ends a conversation that opens a channel twice, or from the wrong side", async () => {
    const twice = await setUp();
    twice.near.open("/session", "a");
    twice.client.tell("relay.open", { channel: 1, path: "/session", host: "b" });
    await twice.clock.advance(100);
    assert.equal((await twice.server.over).code, "BAD_FRAME");
    const wrong = await setUp();
    wrong.server.tell("relay.open", { channel: 1, path: "/session", host: "b" });
    await wrong.clock.advance(100);
    assert.equal((await wrong.client.over).code, "BAD_FRAME");
  });

  it("takes no notice of what was sent before a close was heard of", async () => {
    const { near, clock, client, server, farWires } = await setUp();
    near.open("/session", "a");
    await clock.advance(100);
    farWires[0]?.wire.close();
    client.tell("relay.data", { channel: 1, text: "late" });
    client.tell("relay.taken", { channel: 1, chars: 64 });
    client.tell("relay.close", { channel: 1, reason: "late" });
    await clock.advance(100);
    assert.deepEqual([client.isOpen, server.isOpen], [true, true]);
  });
});
