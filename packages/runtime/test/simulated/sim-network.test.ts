import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { calm, simRandom, simulate, type Faults, type Wire } from "../../src/index.js";

const address = { host: "hub", port: 1 };

/** A client's wire, everything the server heard, and why each side closed. */
async function wired(faults: Partial<Faults> = {}, seed = 1) {
  const sim = simulate(seed);
  const heard: string[] = [];
  const ends: string[] = [];
  let far: Wire | undefined;
  const kill = sim.network.serve(address, "/", (wire) => {
    far = wire;
    wire.listen({
      message: (text) => heard.push(text),
      closed: (reason) => ends.push(`hub: ${reason}`),
    });
  });
  const connecting = sim.network.from("laptop").connect(address, "/", 1_000);
  await sim.clock.advance(100);
  const near = await connecting;
  near.listen({ message: () => undefined, closed: (reason) => ends.push(`laptop: ${reason}`) });
  sim.network.faults = { ...calm, ...faults };
  assert.ok(far);
  return { sim, near, far, heard, ends, kill };
}

const hundred = Array.from({ length: 100 }, (_, index) => String(index));

describe("the simulated network", () => {
  it("keeps everything and its order when it is calm", async () => {
    const { sim, near, heard } = await wired();
    for (const text of hundred) near.send(text);
    await sim.clock.advance(1_000);
    assert.deepEqual(heard, hundred);
  });

  it("loses about the share it is told to", async () => {
    const { sim, near, heard } = await wired({ lost: 0.3 });
    for (const text of hundred) near.send(text);
    await sim.clock.advance(1_000);
    assert.ok(heard.length > 50 && heard.length < 90, `${heard.length} of 100 came`);
  });

  it("repeats about the share it is told to", async () => {
    const { sim, near, heard } = await wired({ repeated: 0.3 });
    for (const text of hundred) near.send(text);
    await sim.clock.advance(1_000);
    assert.ok(heard.length > 110 && heard.length < 150, `${heard.length} came`);
    assert.deepEqual([...new Set(heard)], hundred);
  });

  it("lets messages overtake each other only when it does not keep order", async () => {
    const late = { delayMsMin: 1, delayMsMax: 500 };
    const ordered = await wired(late);
    const loose = await wired({ ...late, keepsOrder: false });
    for (const { near, sim } of [ordered, loose]) {
      for (const text of hundred) near.send(text);
      await sim.clock.advance(1_000);
    }
    assert.deepEqual(ordered.heard, hundred);
    assert.notDeepEqual(loose.heard, hundred);
    assert.deepEqual(new Set(loose.heard), new Set(hundred));
  });

  it("breaks the wire for both ends", async () => {
    const { sim, near, heard, ends } = await wired({ broken: 1 });
    near.send("a");
    assert.deepEqual(ends, ["laptop: connection reset"]);
    await sim.clock.advance(100);
    assert.deepEqual([heard, ends.length], [[], 2]);
  });

  it("stays silent on both ends when two hosts are cut off from each other", async () => {
    const { sim, near, heard, ends } = await wired();
    sim.network.cut("hub", "laptop");
    near.send("lost");
    near.close();
    await sim.clock.advance(10_000);
    assert.deepEqual([heard, ends], [[], ["laptop: closed"]]);
  });

  it("passes again when the cut is healed", async () => {
    const { sim, near, heard } = await wired();
    sim.network.cut("hub", "laptop");
    sim.network.heal("laptop", "hub");
    near.send("a");
    await sim.clock.advance(100);
    assert.deepEqual(heard, ["a"]);
  });

  it("lets a connect to a host that is cut off wait for its limit", async () => {
    const { sim } = await wired();
    sim.network.cut("laptop", "hub");
    const connecting = sim.network.from("laptop").connect(address, "/", 3_000);
    const refused = assert.rejects(connecting, { code: "UNREACHABLE" });
    const before = sim.clock.monotonic();
    await sim.clock.advance(3_000);
    await refused;
    assert.equal(sim.clock.monotonic() - before, 3_000);
  });

  it("ends all wires of a service that is killed", async () => {
    const { sim, ends, kill } = await wired();
    kill();
    await sim.clock.advance(100);
    assert.deepEqual(ends.sort(), ["hub: connection reset", "laptop: connection reset"]);
  });

  it("ends all wires of a host that is dropped", async () => {
    const { sim, ends } = await wired();
    sim.network.dropHost("laptop");
    await sim.clock.advance(100);
    assert.deepEqual(ends, ["laptop: connection reset", "hub: connection reset"]);
  });

  it("does the same again with the same seed, and something else with another", async () => {
    const faults = { lost: 0.2, repeated: 0.2, keepsOrder: false, delayMsMax: 50 };
    const runs = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const { sim, near, heard } = await wired(faults, seed);
        for (const text of hundred) near.send(text);
        await sim.clock.advance(1_000);
        return heard;
      }),
    );
    assert.deepEqual(runs[0], runs[1]);
    assert.notDeepEqual(runs[0], runs[2]);
  });
});

describe("simulated randomness", () => {
  it("is spread evenly, in range, and the same for the same seed", () => {
    const random = simRandom(3);
    const fractions = Array.from({ length: 10_000 }, () => random.fraction());
    assert.ok(fractions.every((fraction) => fraction >= 0 && fraction < 1));
    const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
    assert.ok(Math.abs(mean - 0.5) < 0.02, `mean ${mean}`);
    assert.match(simRandom(3).hex(32), /^[0-9a-f]{32}$/);
    assert.equal(simRandom(3).hex(32), simRandom(3).hex(32));
  });
});
