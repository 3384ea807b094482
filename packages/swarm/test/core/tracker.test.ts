import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import fc from "fast-check";
import {
  degreeMax,
  hubChildrenFirst,
  hubChildrenMax,
  hubChildrenUrgentMax,
} from "../../src/core/introduce.js";
import { lagging } from "../../src/core/lag.js";
import type { Participant } from "../../src/core/seats.js";
import { Tracker } from "../../src/core/tracker.js";

const hub: SwarmPeer = { name: "hub", role: "hub", host: "*", port: 6001 };
const zones = { a: { zone: "a" }, b: { zone: "b" } } as const;

function drone(name: string, changes: Partial<Participant> = {}): Participant {
  return { name, role: "drone", host: "10.0.0.1", port: 40_000, ...changes };
}

function report(changes: Partial<ShareReport> = {}): ShareReport {
  return {
    artifact: "a".repeat(64),
    state: "taking",
    pieces: 0,
    piecesAll: 10,
    receivedBytes: 0,
    sentBytes: 0,
    wastedBytes: 0,
    receivedBytesPerSecond: 0,
    ...changes,
  };
}

/** Numbers in [0, 1), the same ones for the same seed. */
function chance(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}

/** With relays that live by zone. */
function makeTracker(relays: Record<string, Participant> = {}, seed = 1) {
  return new Tracker({ hub, relayOf: (zone) => relays[zone], fraction: chance(seed) });
}

const names = (peers: readonly SwarmPeer[]) => peers.map(({ name }) => name);

describe("who is introduced to whom", () => {
  it("is the hub for the first ones, and those that came before", () => {
    const tracker = makeTracker();
    assert.deepEqual(names(tracker.join(drone("one"), 0).peers), ["hub"]);
    assert.deepEqual(names(tracker.join(drone("two"), 0).peers), ["hub", "one"]);
    assert.deepEqual(names(tracker.join(drone("three"), 0).peers).toSorted(), [
      "hub",
      "one",
      "two",
    ]);
  });

  it("is the same again for whoever asks again", () => {
    const tracker = makeTracker();
    for (let at = 0; at < 30; at++) tracker.join(drone(`d${at}`), 0);
    const before = names(tracker.join(drone("late"), 0).peers);
    assert.deepEqual(names(tracker.join(drone("late"), 1).peers), before);
  });

  it("is nobody who is away, has given up, or is not believed by two others", () => {
    const tracker = makeTracker();
    for (const name of ["gone", "failed", "liar", "one", "two"]) tracker.join(drone(name), 0);
    tracker.contact("gone", false, 1);
    tracker.report("failed", report({ state: "failed" }), 1);
    const banned = [{ peer: "liar", reason: "piece 1 is wrong" }];
    assert.deepEqual(tracker.report("one", report({ banned }), 1), []);
    assert.deepEqual(tracker.report("two", report({ banned }), 1), [
      { kind: "out", name: "liar", by: ["one", "two"] },
    ]);
    assert.deepEqual(tracker.report("two", report({ banned }), 2), []);
    assert.deepEqual(names(tracker.join(drone("new"), 2).peers).toSorted(), ["hub", "one", "two"]);
  });

  it("is still somebody whom one alone complains of, but not to that one", () => {
    const tracker = makeTracker();
    tracker.join(drone("good"), 0);
    tracker.join(drone("liar"), 0);
    tracker.report("liar", report({ banned: [{ peer: "good", reason: "it is too honest" }] }), 0);
    assert.ok(names(tracker.join(drone("new"), 1).peers).includes("good"));
    assert.ok(!names(tracker.join(drone("liar"), 1).peers).includes("good"));
  });

  it("is not decided by two who complain of everybody, or of whom they never met", () => {
    const tracker = makeTracker();
    const honest = Array.from({ length: 12 }, (_, at) => `good-${at}`);
    for (const name of honest) tracker.join(drone(name), 0);
    const met = new Map(
      ["liar-1", "liar-2"].map((name) => [name, names(tracker.join(drone(name), 0).peers)]),
    );
    const banned = honest.map((peer) => ({ peer, reason: "it is too honest" }));
    const out: string[] = [];
    for (const liar of met.keys()) {
      for (const effect of tracker.report(liar, report({ banned }), 1)) {
        if (effect.kind === "out") out.push(effect.name);
      }
    }
    assert.ok(out.length <= 3, out.join());
    for (const name of out) for (const known of met.values()) assert.ok(known.includes(name), name);
  });

  it("is more for whoever lacks some, in both directions, and not more often than every 5 s", () => {
    const tracker = makeTracker();
    for (let at = 0; at < 40; at++) tracker.join(drone(`d${at}`), 0);
    const lacking = report({ lacksPeers: true });
    tracker.report("d39", report(), 600);
    assert.deepEqual(tracker.report("d39", lacking, 1_000), [], "it has just moved");
    const [first, ...others] = tracker.report("d39", lacking, 4_000);
    assert.ok(first?.kind === "introduce" && first.to === "d39" && first.peers.length >= 3);
    for (const other of others) {
      assert.ok(other.kind === "introduce");
      assert.deepEqual(names(other.peers), ["d39"]);
      assert.ok(names(first.peers).includes(other.to));
    }
    assert.deepEqual(tracker.report("d39", lacking, 8_000), []);
    assert.notDeepEqual(tracker.report("d39", lacking, 9_000), []);
  });

  it("is the hub, whatever else, for whoever lacks peers again and again", () => {
    const tracker = makeTracker();
    for (let at = 0; at < 60; at++) tracker.join(drone(`d${at}`), 0);
    const lacking = report({ lacksPeers: true });
    const told = [0, 1, 2, 3].flatMap((round) => tracker.report("d59", lacking, round * 10_000));
    const mine = told.flatMap((one) =>
      one.kind === "introduce" && one.to === "d59" ? one.peers : [],
    );
    assert.ok(names(mine).includes("hub"));
  });

  it("is more for those who came last, once everybody has come, so that all have about as many", () => {
    const tracker = makeTracker();
    for (let at = 0; at < 64; at++) tracker.join(drone(`d${at}`), at);
    for (let at = 0; at < 64; at++) tracker.report(`d${at}`, report(), 1_000 + at);
    const lines = [...tracker.seats.all].map(({ peers }) => peers.size);
    assert.ok(Math.min(...lines) >= 7 && Math.max(...lines) <= 10, lines.join(" "));
    const children = [...tracker.seats.all].filter(({ isHubChild }) => isHubChild);
    assert.ok(children.length > hubChildrenFirst && children.length <= hubChildrenMax);
  });

  it("gives the hub's place to another when one has everything, or goes", () => {
    const tracker = makeTracker();
    for (let at = 0; at < hubChildrenFirst; at++) tracker.join(drone(`d${at}`), 0);
    assert.ok(!names(tracker.join(drone("late"), 0).peers).includes("hub"));
    tracker.report("d0", report({ state: "whole", pieces: 10 }), 1);
    tracker.contact("d1", false, 1);
    assert.ok(names(tracker.join(drone("x"), 2).peers).includes("hub"));
    assert.ok(names(tracker.join(drone("y"), 2).peers).includes("hub"));
    assert.ok(!names(tracker.join(drone("z"), 2).peers).includes("hub"));
  });
});

describe("a zone with a relay", () => {
  const relay = drone("relay-b", { role: "relay", zone: "b", port: 6001 });

  it("knows the relay and itself, and has the relay take part once", () => {
    const tracker = makeTracker({ b: relay });
    for (let at = 0; at < 10; at++) tracker.join(drone(`a${at}`, zones.a), 0);
    const first = tracker.join(drone("b0", zones.b), 0);
    assert.deepEqual(names(first.peers), ["relay-b"]);
    assert.deepEqual(first.effects, [{ kind: "carry", relay: "relay-b" }]);
    assert.deepEqual(names(tracker.join(relay, 0).peers), ["hub", "b0"]);
    const second = tracker.join(drone("b1", zones.b), 0);
    assert.deepEqual(names(second.peers).toSorted(), ["b0", "relay-b"]);
    assert.deepEqual(second.effects, []);
    const outside = tracker.join(drone("a-late", zones.a), 0);
    assert.ok(names(outside.peers).every((name) => name.startsWith("a") || name === "hub"));
  });

  it("gets the first full copy through its relay, so that the hub may die", () => {
    const tracker = makeTracker({ b: relay });
    tracker.join(drone("a0", zones.a), 0);
    tracker.join(drone("b0", zones.b), 0);
    tracker.join(relay, 0);
    assert.deepEqual(tracker.report("a0", report({ state: "whole", pieces: 10 }), 1), [
      { kind: "introduce", to: "relay-b", peers: [hubless(drone("a0", zones.a))] },
    ]);
  });

  it("gets others when its relay goes", () => {
    const relays: Record<string, Participant> = { b: relay };
    const tracker = makeTracker(relays);
    for (let at = 0; at < 10; at++) tracker.join(drone(`a${at}`, zones.a), 0);
    for (let at = 0; at < 10; at++) tracker.join(drone(`b${at}`, zones.b), 0);
    delete relays["b"];
    const told = tracker.contact("relay-b", false, 1);
    assert.equal(told.length, 4);
    for (const one of told) {
      assert.ok(one.kind === "introduce" && one.to.startsWith("b"));
      assert.ok(one.peers.some(({ zone, role }) => role === "hub" || zone === "a"));
    }
  });

  it("gets others when the artifact failed at its relay", () => {
    const tracker = makeTracker({ b: relay });
    tracker.join(drone("a0", zones.a), 0);
    tracker.join(drone("b0", zones.b), 0);
    const told = tracker.report("relay-b", report({ state: "failed" }), 1);
    assert.deepEqual(
      told.map((one) => one.kind === "introduce" && [one.to, names(one.peers)]),
      [["b0", ["hub", "a0"]]],
    );
    assert.ok(names(tracker.join(drone("b1", zones.b), 2).peers).includes("a0"));
  });

  it("gets another relay of its zone when there is one", () => {
    const other = drone("relay-c", { role: "relay", zone: "b", port: 6002 });
    const relays: Record<string, Participant> = { b: relay };
    const tracker = makeTracker(relays);
    tracker.join(drone("b0", zones.b), 0);
    relays["b"] = other;
    assert.deepEqual(tracker.contact("relay-b", false, 1), [
      { kind: "carry", relay: "relay-c" },
      { kind: "introduce", to: "b0", peers: [hubless(other)] },
    ]);
  });

  it("is behind another relay when that one speaks for it", () => {
    const nested = drone("relay-c", { role: "relay", zone: "c", parent: "relay-b" });
    const tracker = makeTracker({ b: relay, c: nested });
    tracker.join(relay, 0);
    tracker.join(drone("c0", { zone: "c" }), 0);
    assert.deepEqual(names(tracker.join(nested, 0).peers).toSorted(), ["c0", "relay-b"]);
  });
});

function hubless({ name, role, host, port, zone }: Participant): SwarmPeer {
  return { name, role, host, port, ...(zone !== undefined && { zone }) };
}

describe("the graph of introductions", () => {
  /** Lines by name, as both sides of an introduction may dial. */
  function grow(count: number, zoneCount: number, seed: number) {
    const tracker = makeTracker({}, seed);
    const lines = new Map<string, Set<string>>([["hub", new Set()]]);
    for (let at = 0; at < count; at++) {
      const zone = zoneCount === 0 ? {} : { zone: `z${at % zoneCount}` };
      const { peers } = tracker.join(drone(`d${at}`, zone), at);
      lines.set(`d${at}`, new Set(names(peers)));
      for (const name of names(peers)) lines.get(name)?.add(`d${at}`);
    }
    return lines;
  }

  function distances(lines: ReadonlyMap<string, ReadonlySet<string>>, from: string) {
    const steps = new Map([[from, 0]]);
    for (const [name, step] of steps) {
      for (const peer of lines.get(name) ?? []) if (!steps.has(peer)) steps.set(peer, step + 1);
    }
    return steps;
  }

  it("is connected, and bounded for each drone and for the hub", () => {
    const size = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(size, fc.nat({ max: 20 }), fc.nat(), (count, zoneCount, seed) => {
        const lines = grow(count, zoneCount, seed);
        assert.equal(distances(lines, "hub").size, count + 1);
        assert.ok((lines.get("hub")?.size ?? 0) <= hubChildrenUrgentMax);
        for (const [name, peers] of lines) {
          if (name !== "hub") assert.ok(peers.size <= degreeMax + 1, `${name}: ${peers.size}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("does not fall apart when a third of the drones die", () => {
    const lines = grow(600, 4, 7);
    const alive = new Map([...lines].filter((_, at) => at % 3 !== 1));
    const living = [...alive].map(
      ([name, peers]) => [name, new Set([...peers].filter((one) => alive.has(one)))] as const,
    );
    assert.equal(distances(new Map(living), "d1").size, alive.size);
  });

  it("is shallow for 5,000 drones, and each is told little", () => {
    const lines = grow(5_000, 5, 3);
    const steps = distances(lines, "hub");
    assert.equal(steps.size, 5_001);
    assert.ok(Math.max(...steps.values()) <= 8, String(Math.max(...steps.values())));
    const degrees = [...lines.values()].map(({ size }) => size);
    const mean = degrees.reduce((sum, size) => sum + size, 0) / degrees.length;
    assert.ok(mean >= 7.5 && mean <= 10, String(mean));
  });

  it("has lines out of every zone", () => {
    const lines = grow(400, 8, 5);
    for (let zone = 0; zone < 8; zone++) {
      const isIn = (name: string) => Number(name.slice(1)) % 8 === zone;
      const out = [...lines]
        .filter(([name]) => name !== "hub" && isIn(name))
        .flatMap(([, peers]) => [...peers].filter((name) => name === "hub" || !isIn(name)));
      assert.ok(out.length >= 50, `${zone}: ${out.length}`);
    }
  });
});

describe("who lags", () => {
  it("is who gets nothing for 10 s, or is less than half as fast as the median", () => {
    const tracker = makeTracker();
    for (const name of ["a", "b", "c", "slow", "still", "done"]) tracker.join(drone(name), 0);
    const at = (rate: number) => report({ pieces: 1, receivedBytesPerSecond: rate });
    for (const name of ["a", "b", "c"]) tracker.report(name, at(1_000), 12_000);
    tracker.report("slow", at(400), 12_000);
    tracker.report("still", report({ receivedBytesPerSecond: 900 }), 1_000);
    tracker.report("done", report({ state: "used", pieces: 10 }), 1_000);
    assert.deepEqual([...lagging(tracker.seats.all, 12_000)].toSorted(), ["slow", "still"]);
  });

  it("is nobody among so few that there is no median, nor who has just come", () => {
    const tracker = makeTracker();
    for (const name of ["a", "b"]) tracker.join(drone(name), 0);
    tracker.report("a", report({ pieces: 1, receivedBytesPerSecond: 1_000 }), 9_000);
    assert.deepEqual([...lagging(tracker.seats.all, 9_500)], []);
  });
});
