import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatAddress } from "@propagit/protocol";
import { HubWays } from "../src/hub-ways.js";

const hub = { host: "hub", port: 6001 };
const texts = (ways: HubWays) => ways.all.map(formatAddress);

describe("ways to the hub", () => {
  it("are those that the hub told, without what is no address", () => {
    const ways = new HubWays({ hub, relay: undefined });
    assert.deepEqual(texts(ways), []);
    ways.take(["relay-b:6001", "nonsense", "[::1]:6001"]);
    assert.deepEqual(texts(ways), ["relay-b:6001", "[::1]:6001"]);
    ways.take(undefined);
    assert.deepEqual(texts(ways), []);
  });

  it("begin, for a relay, with the place where it was put", () => {
    const ways = new HubWays({ hub, relay: { port: 6001 } });
    ways.take(["relay-c:6001"]);
    assert.deepEqual(texts(ways), ["hub:6001", "relay-c:6001"]);
  });

  it("lead to the hub's own registry, and not to one that is elsewhere", () => {
    const ways = new HubWays({ hub, relay: undefined });
    const own = ways.registry({ port: 7001, open: false, own: true });
    assert.deepEqual([own.address, own.ways?.()], [hub, [hub]]);
    assert.deepEqual(ways.registry({ host: "far", port: 6000, open: true }), {
      address: { host: "far", port: 6000 },
    });
    // As a hub says that does not know of relays, or has its registry on a port of its own machine.
    assert.deepEqual(ways.registry({ port: 6000, open: true }), {
      address: { host: "hub", port: 6000 },
    });
  });
});
