/** How fast a swarm is, in virtual time: the same code as in the real world, on links of equal bandwidth. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linkBytesPerSecond, makeArtifact, TestSwarm } from "./support/swarm.js";

/** 512 pieces on links of 16 Mbit/s: 8 s. */
const artifact = makeArtifact(7, 16 * 1024 * 1024);
const idealMs = (artifact.bytes.length / linkBytesPerSecond) * 1000;

async function measure(count: number) {
  const swarm = new TestSwarm(11, { partBytes: 32 * 1024 });
  const { offered, takers } = await swarm.deploy(artifact, count);
  await swarm.clock.until("all are whole", () => takers.every(({ isSettled }) => isSettled));
  assert.ok(takers.every((taker) => taker.has(artifact)));
  const lastMs = Math.max(...takers.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity));
  await Promise.all([...swarm.nodes.values()].map(({ node }) => node.stop()));
  return {
    time: lastMs / idealMs,
    hubUpload: offered.report.sentBytes / artifact.bytes.length,
    wasted: takers.reduce((sum, { share }) => sum + share.report.wastedBytes, 0) / count,
  };
}

describe("a swarm on equal links", () => {
  it("gets to one drone as fast as the link is", async () => {
    const { time, hubUpload } = await measure(1);
    assert.ok(time <= 1.03, `${time}`);
    assert.equal(hubUpload, 1);
  });

  it("gets to 64 drones in little more time than to 4, with one copy from the hub", async () => {
    const four = await measure(4);
    const sixteen = await measure(16);
    const all = await measure(64);
    assert.ok(four.time <= 1.15, `4 drones: ${four.time}`);
    assert.ok(sixteen.time <= 1.25, `16 drones: ${sixteen.time}`);
    assert.ok(all.time <= 1.4, `64 drones: ${all.time}`);
    assert.ok(all.time <= 1.25 * four.time, `64 drones: ${all.time}, 4: ${four.time}`);
    for (const { hubUpload } of [four, sixteen, all]) assert.ok(hubUpload <= 1.2, `${hubUpload}`);
    for (const { wasted } of [four, sixteen, all])
      assert.ok(wasted <= 0.03 * artifact.bytes.length, `${wasted} bytes`);
  });
});

describe("two zones with a slow line between them", () => {
  it("have each piece cross it about once", async () => {
    const swarm = new TestSwarm(5);
    const small = makeArtifact(3, 4 * 1024 * 1024);
    const zoneOf = (name: string) => (Number(name.slice(4)) % 2 === 0 ? "a" : "b");
    swarm.lines.strait(["a", "b"], linkBytesPerSecond / 10);
    for (const place of ["hub", ...Array.from({ length: 16 }, (_, index) => `web-${index}`)])
      swarm.lines.place(place, place === "hub" ? "a" : zoneOf(place));
    const { takers } = await swarm.deploy(small, 16, { join: (name) => ({ zone: zoneOf(name) }) });
    await swarm.clock.until("all are whole", () => takers.every(({ isSettled }) => isSettled));
    assert.ok(takers.every((taker) => taker.has(small)));
    const carried = swarm.lines.carriedBytes("a", "b") + swarm.lines.carriedBytes("b", "a");
    assert.ok(carried <= 2 * small.bytes.length, `${carried / small.bytes.length} times`);
    await Promise.all([...swarm.nodes.values()].map(({ node }) => node.stop()));
  });
});
