import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError, type Address } from "@propagit/protocol";
import {
  Conversation,
  type Link,
  type LinkState,
  sessionPaths,
  simulate,
  type Simulation,
} from "../src/index.js";
import { roundOf } from "../src/core/ways.js";
import { clusterKey, hubAddress, startHub, startLink } from "./support/meeting.js";

const near: Address = { host: "near", port: 6001 };
const far: Address = { host: "far", port: 6001 };

/** Serves at an address what a hub would; how many came, and how to end it. */
function serve(sim: Simulation, address: Address, key = clusterKey) {
  const served = { conversations: [] as Conversation[], kill: () => undefined as void };
  served.kill = sim.network.serve(address, sessionPaths.hub, (wire) => {
    const side = { kind: "server", clusterKey: key, heartbeatMs: 5_000 } as const;
    served.conversations.push(new Conversation(sim.worldOf(address.host), wire, { side }));
  });
  return served;
}

const isUpBy = (link: Link, address: Address) =>
  link.state.kind === "up" && link.address.host === address.host;

describe("a link with several ways", () => {
  it("goes by the first one that answers, at once", async () => {
    const sim = simulate(1);
    serve(sim, far);
    startHub(sim);
    const link = startLink(sim, { ways: () => [near, far] });
    await sim.clock.until("it is up", () => isUpBy(link, far), 1_000);
  });

  it("tries the address that it was given last, and then rests before the next round", async () => {
    const sim = simulate(1);
    const tried: string[] = [];
    startLink(sim, {
      ways: () => [near, far],
      changed: (state) => {
        if (state.kind === "waiting") tried.push(`${state.address.host} ${state.retryMs >= 125}`);
      },
    });
    await sim.clock.advance(30_000);
    assert.ok(tried.filter((_, at) => at % 3 === 2).every((one) => one === "hub true"));
    assert.deepEqual(
      [0, 1, 3, 4].map((at) => tried[at]?.split(" ")[0]),
      ["near", "far", "near", "far"],
    );
    assert.ok(tried.length >= 15 && tried.length <= 60, `${tried.length} attempts in 30 s`);
  });

  it("is up by the next one within a second when the one in use dies", async () => {
    const sim = simulate(1);
    const [first] = [serve(sim, near), serve(sim, far)];
    const link = startLink(sim, { ways: () => [near, far] });
    await sim.clock.until("it is up", () => isUpBy(link, near));
    await sim.clock.advance(60_000);
    first.kill();
    await sim.clock.until("it is up again", () => isUpBy(link, far), 1_000);
  });

  it("is back at a better one some minutes after that lives again", async () => {
    const sim = simulate(1);
    startHub(sim);
    const link = startLink(sim, { ways: () => [near] });
    await sim.clock.until("it is up", () => isUpBy(link, hubAddress));
    await sim.clock.advance(600_000);
    assert.ok(isUpBy(link, hubAddress));
    serve(sim, near);
    await sim.clock.until("it has moved", () => isUpBy(link, near), 190_000);
  });

  it("moves soon when it hears of a better one", async () => {
    const sim = simulate(1);
    let ways: readonly Address[] = [];
    startHub(sim);
    serve(sim, near);
    const moves: (Address | undefined)[] = [];
    const changed = (state: LinkState) => {
      if (state.kind === "waiting") moves.push(state.movesTo);
    };
    const link = startLink(sim, { ways: () => ways, changed });
    await sim.clock.advance(30_000);
    ways = [near];
    link.waysChanged();
    await sim.clock.until("it has moved", () => isUpBy(link, near), 16_000);
    assert.deepEqual(moves, [near], "it says that it moves");
  });

  it("hands out no conversation that has ended, also right after its end", async () => {
    const sim = simulate(1);
    const [first] = [serve(sim, near), serve(sim, far)];
    const link = startLink(sim, { ways: () => [near, far] });
    await sim.clock.until("it is up", () => isUpBy(link, near));
    const { conversation } = link.state.kind === "up" ? link.state : {};
    first.kill();
    conversation?.end(new PropagitError("LINK_LOST", "closed"));
    const next = link.up(5_000);
    await sim.clock.until("it is up again", () => isUpBy(link, far), 5_000);
    assert.ok((await next).isOpen);
  });

  it("stays where it is when the better one cannot prove that it is the other side", async () => {
    const sim = simulate(1);
    const hub = startHub(sim);
    const wrong = serve(sim, near, "ab".repeat(32));
    const link = startLink(sim, { ways: () => [near] });
    await sim.clock.advance(900_000);
    assert.ok(isUpBy(link, hubAddress));
    assert.equal(hub.conversations.length, 1);
    assert.ok(wrong.conversations.length >= 5, "it asked now and then");
  });

  it("does not move together with a thousand others", async () => {
    const sim = simulate(1);
    startHub(sim);
    let ways: readonly Address[] = [];
    const links = Array.from({ length: 1_000 }, () => startLink(sim, { ways: () => ways }));
    await sim.clock.advance(2_000);
    serve(sim, near);
    ways = [near];
    for (const link of links) link.waysChanged();
    await sim.clock.advance(3_000);
    const early = links.filter((link) => link.address.host === "near").length;
    assert.ok(early < 200, `${early} of them moved within the first second`);
    await sim.clock.until(
      "all have moved",
      () => links.every((link) => isUpBy(link, near)),
      20_000,
    );
    for (const link of links) link.stop();
  });

  it("asks with a query for whoever is there to read", async () => {
    const sim = simulate(1);
    const queries: string[] = [];
    sim.network.serve(hubAddress, sessionPaths.hub, (_, query) => void queries.push(query));
    startLink(sim, { query: () => "relays=aa" });
    await sim.clock.until("it was asked", () => queries.length > 0);
    assert.equal(queries[0], "relays=aa");
  });
});

describe("a round", () => {
  it("has each way once, and in the end the address that always counts", () => {
    assert.deepEqual(roundOf([near, far, near], hubAddress), [near, far, hubAddress]);
    assert.deepEqual(roundOf([hubAddress, near], hubAddress), [hubAddress, near]);
    assert.deepEqual(roundOf([], hubAddress), [hubAddress]);
  });
});
