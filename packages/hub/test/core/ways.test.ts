import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { waysOf, type RelaySeen } from "../../src/core/ways.js";

const relay = (identity: string, more: Partial<RelaySeen> = {}): RelaySeen => ({
  identity,
  zone: "b",
  address: `${identity}:6001`,
  upstream: "hub:6001",
  through: undefined,
  ...more,
});
const drone = { identity: "drone", zone: "b", isRelay: false, through: undefined };

describe("ways to the hub", () => {
  it("are the relays of the own zone, then where those go", () => {
    const relays = [
      relay("one"),
      relay("two", { upstream: "outer:6001" }),
      relay("x", { zone: "x" }),
    ];
    const ways = waysOf(drone, relays);
    assert.deepEqual(ways.slice(0, 2).sort(), ["one:6001", "two:6001"]);
    assert.deepEqual(ways.slice(2).sort(), ["hub:6001", "outer:6001"]);
  });

  it("are none in a zone without relays, or without a zone", () => {
    assert.deepEqual(waysOf({ ...drone, zone: "c" }, [relay("one")]), []);
    assert.deepEqual(waysOf({ ...drone, zone: undefined }, [relay("one")]), []);
    assert.deepEqual(waysOf(drone, []), []);
  });

  it("of a drone that was told to go by a relay of another zone, are those beside that one", () => {
    const relays = [relay("one"), relay("two")];
    const ways = waysOf({ ...drone, zone: undefined, through: "one" }, relays);
    assert.deepEqual([...ways].sort(), ["hub:6001", "one:6001", "two:6001"]);
  });

  it("of a relay are those beside the one that it goes by, then past it; of one at the hub none", () => {
    const relays = [
      relay("one"),
      relay("two"),
      relay("deep", { zone: "c", through: "one", upstream: "one:6001" }),
    ];
    const deep = { identity: "deep", zone: "c", isRelay: true, through: "one" };
    assert.deepEqual([...waysOf(deep, relays)].sort(), ["hub:6001", "one:6001", "two:6001"]);
    assert.deepEqual(waysOf({ ...deep, identity: "one", through: undefined }, relays), []);
  });

  it("of a relay never lead through itself", () => {
    const relays = [
      relay("one"),
      relay("two", { through: "deep", upstream: "deep:6001" }),
      relay("deep", { zone: "c", through: "one", upstream: "one:6001" }),
    ];
    const deep = { identity: "deep", zone: "c", isRelay: true, through: "one" };
    assert.deepEqual(waysOf(deep, relays), ["one:6001", "hub:6001"]);
  });

  it("spread drones evenly, and only those of a relay that dies move", () => {
    const relays = ["one", "two", "three"].map((name) => relay(name));
    const firsts = (left: readonly RelaySeen[]) =>
      Array.from({ length: 3_000 }, (_, n) => waysOf({ ...drone, identity: `d${n}` }, left)[0]);
    const before = firsts(relays);
    for (const { address } of relays) {
      const share = before.filter((first) => first === address).length / before.length;
      assert.ok(share > 0.28 && share < 0.39, `${address} has ${share}`);
    }
    const after = firsts(relays.slice(1));
    const moved = before.filter((first, n) => first !== after[n]);
    assert.deepEqual(new Set(moved), new Set(["one:6001"]));
  });

  it("hold each address once, whatever goes through whatever", () => {
    const name = fc.constantFrom("one", "two", "three", "four");
    const seen = fc.record({
      identity: name,
      zone: fc.constantFrom("a", "b", undefined),
      address: name,
      upstream: name,
      through: fc.option(name, { nil: undefined }),
    });
    const asker = fc.record({
      identity: name,
      zone: fc.constantFrom("a", "b", undefined),
      isRelay: fc.boolean(),
      through: fc.option(name, { nil: undefined }),
    });
    fc.assert(
      fc.property(asker, fc.array(seen, { maxLength: 8 }), (who, relays) => {
        const ways = waysOf(who, relays);
        assert.equal(new Set(ways).size, ways.length);
      }),
    );
  });
});
