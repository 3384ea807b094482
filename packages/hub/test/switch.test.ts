import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PropagitError, ProxySummary } from "@propagit/protocol";
import { meetProxies, type ProxyDouble } from "./support/proxy-double.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";

interface Scene {
  readonly hub: SimHub;
  readonly p: ProxyDouble;
  readonly q: ProxyDouble;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Two proxies, a drone, and commit one live. */
async function begin(): Promise<Scene> {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const [p, q] = await meetProxies(hub, "p", "q");
  assert.ok(p && q);
  await hub.deploy("one");
  return { hub, p, q, pass: (ms) => hub.sim.clock.advance(ms) };
}

/** A call that goes on beside the test; what became of it. */
function begun<T>(work: Promise<T>): { isOver: boolean; error: PropagitError | undefined } {
  const state: { isOver: boolean; error: PropagitError | undefined } = {
    isOver: false,
    error: undefined,
  };
  work.then(
    () => (state.isOver = true),
    (thrown: PropagitError) => {
      state.error = thrown;
      state.isOver = true;
    },
  );
  return state;
}

async function proxiesOf(hub: SimHub): Promise<readonly ProxySummary[]> {
  return (await hub.call("hub.proxies", {})).proxies;
}

async function statesOf(hub: SimHub): Promise<string> {
  return (await proxiesOf(hub)).map(({ name, state }) => `${name} ${state}`).join(", ");
}

async function eventTexts(hub: SimHub, kind: string): Promise<readonly string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events.filter((event) => event.kind === kind).map(({ text }) => text);
}

async function promote(scene: Scene, ref: string) {
  const caller = await scene.hub.settle(scene.hub.dial("caller"));
  return begun(caller.call("hub.promote", { repo, ref }, { limitMs: 0 }));
}

describe("a switch", () => {
  it("asks every proxy about the services of what is to get visitors, before and after", async () => {
    const { hub, p } = await begin();
    p.asked.length = 0;
    await hub.call("hub.split", {
      repo,
      shares: [{ ref: "one", weight: 1 }],
    });
    const [before, after] = p.asked;
    assert.deepEqual(
      before?.deployments.map(({ commit, services }) => [commit, services]),
      [[commits.one, ["web"]]],
    );
    assert.deepEqual(after?.deployments, []);
  });

  it("sends visitors to a release when the last proxy sees it, and says so when all go by it", async () => {
    const { hub, p, q, pass } = await begin();
    q.hold();
    const caller = await hub.settle(hub.dial("caller"));
    const deploy = begun(
      caller.call("hub.deploy", { repo, ref: "two", promote: true }, { limitMs: 0 }),
    );
    await hub.sim.clock.until("q to be asked", () =>
      q.asked.some(({ deployments }) => deployments[0]?.commit === commits.two),
    );
    await pass(3_000);
    assert.deepEqual([p.commits, deploy.isOver], [[commits.one], false]);
    const [release] = (await hub.call("hub.releases", { repo, last: 10 })).releases;
    assert.equal(release?.phase, "promoting");
    q.letGo();
    q.hold();
    await hub.sim.clock.until("the route to change", () => p.commits[0] === commits.two);
    await pass(1_000);
    assert.equal(deploy.isOver, false, "q does not go by it yet");
    q.letGo();
    await hub.sim.clock.until("the deploy to end", () => deploy.isOver);
    assert.equal(deploy.error, undefined);
  });

  it("goes on without a proxy that does not answer, cuts it off, and takes it back", async () => {
    const { hub, p, q, pass } = await begin();
    q.hold();
    const promotion = await promote({ hub, p, q, pass }, "one");
    await pass(6_900);
    assert.equal(promotion.isOver, false);
    await hub.sim.clock.until("the promotion to end", () => promotion.isOver);
    assert.equal(promotion.error, undefined);
    assert.deepEqual(await eventTexts(hub, "proxy-away"), [
      "proxy q is cut off: it did not answer within 5 s",
    ]);
    q.letGo();
    await hub.sim.clock.until("q to be back", () => q.conversation?.isOpen === true);
    await pass(1_000);
    assert.equal(await statesOf(hub), "p connected, q connected");
  });

  it("cuts off the one proxy that does not see what others see", async () => {
    const scene = await begin();
    scene.q.blind = true;
    const promotion = await promote(scene, "one");
    await scene.hub.sim.clock.until("the promotion to end", () => promotion.isOver);
    assert.equal(promotion.error, undefined);
    const [text] = await eventTexts(scene.hub, "proxy-away");
    assert.match(text ?? "", /^proxy q is cut off: it knows no endpoint of web of webapp 74336bc/);
  });

  it("sends nobody where no proxy can send him: a promotion is refused, a release undone", async () => {
    const scene = await begin();
    const { hub, p, q } = scene;
    p.blind = true;
    q.blind = true;
    const promotion = await promote(scene, "one");
    await hub.sim.clock.until("the promotion to end", () => promotion.isOver, 60_000);
    assert.equal(promotion.error?.code, "NOT_SEEN");
    const { result } = await hub.deploy("two", { promote: true });
    assert.equal(result.outcome, "failed");
    assert.match(result.reason ?? "", /^no proxy sees it: proxy [pq] knows no endpoint of web/);
    assert.deepEqual(p.commits, [commits.one]);
    assert.equal(await statesOf(hub), "p connected, q connected", "it is no fault of theirs");
  });

  it("waits for a proxy that was killed as long as its lease lasts, and for one that ended not at all", async () => {
    const scene = await begin();
    const { hub, p, q, pass } = scene;
    await hub.settle(q.leave());
    await pass(100);
    assert.equal(await statesOf(hub), "p connected, q left");
    const quick = await promote(scene, "one");
    await pass(1_000);
    assert.equal(quick.isOver, true);
    p.die();
    await pass(100);
    const slow = await promote(scene, "one");
    await pass(9_000);
    assert.equal(slow.isOver, false);
    await pass(2_000);
    assert.equal(slow.isOver, true);
    assert.equal(await statesOf(hub), "p away, q left");
  });

  it("expects the proxies of its former life back before it switches", async () => {
    const { hub, p, q, pass } = await begin();
    q.die();
    hub.kill();
    await hub.start();
    await hub.sim.clock.until("p to be back", () => p.conversation?.isOpen === true, 60_000);
    const caller = await hub.settle(hub.dial("caller"));
    const promotion = begun(caller.call("hub.promote", { repo, ref: "one" }, { limitMs: 0 }));
    await pass(200);
    assert.equal(promotion.isOver, false, "q may come back");
    await hub.sim.clock.until("the promotion to end", () => promotion.isOver);
    assert.equal(await statesOf(hub), "p connected, q away");
  });

  it("is gone on with by a hub that was killed while it asked", async () => {
    const { hub, p, q } = await begin();
    q.hold();
    const caller = await hub.settle(hub.dial("caller"));
    begun(caller.call("hub.deploy", { repo, ref: "two", promote: true }, { limitMs: 0 }));
    await hub.sim.clock.until("q to be asked", () =>
      q.asked.some(({ deployments }) => deployments[0]?.commit === commits.two),
    );
    hub.kill();
    await hub.start();
    q.letGo();
    await hub.sim.clock.until("visitors to get it", () => p.commits[0] === commits.two, 60_000);
  });
});

describe("what a drone asks before it ends something", () => {
  const addresses = ["web-1:20001"];

  it("is asked of every proxy, with half of the time as grace, and answered with what is under way", async () => {
    const { hub, p, q } = await begin();
    p.inFlight = 2;
    const answer = await hub.call("hub.drained", { addresses, waitMs: 4_000 });
    assert.deepEqual(answer, { proxies: 2, inFlight: 2, silent: [] });
    for (const { drained } of [p, q]) {
      assert.deepEqual(drained, [{ addresses, graceMs: 2_000, waitMs: 4_000 }]);
    }
  });

  it("names those that do not answer, and waits no longer than it may", async () => {
    const { hub, p, q } = await begin();
    q.hold();
    const answer = await hub.call("hub.drained", { addresses, waitMs: 4_000 });
    assert.deepEqual(answer, { proxies: 2, inFlight: 0, silent: ["q"] });
    p.die();
    const start = hub.sim.clock.monotonic();
    await hub.call("hub.drained", { addresses, waitMs: 1_000 });
    assert.ok(hub.sim.clock.monotonic() - start < 4_000);
  });

  it("is answered at once when there is no proxy", async () => {
    const hub = await SimHub.start();
    const answer = await hub.call("hub.drained", { addresses, waitMs: 4_000 });
    assert.deepEqual(answer, { proxies: 0, inFlight: 0, silent: [] });
  });
});

describe("a proxy that follows the book", () => {
  it("gets only what changed when it comes back to the same hub, and everything from one that was restarted", async () => {
    const { hub, p, q, pass } = await begin();
    q.hold();
    p.conversation?.end({
      toData: () => ({ code: "LINK_LOST", message: "", hint: "" }),
    } as PropagitError);
    await hub.deploy("two", { promote: false });
    await hub.sim.clock.until(
      "p to be back",
      () => p.updates.length > 0 && p.book.book.deployments.length === 2,
    );
    assert.deepEqual(p.updates.map(({ kind }) => kind).slice(0, 1), ["change"]);
    // Something is written that is nothing to the book, which a restarted hub cannot know.
    await hub.settle(q.leave());
    hub.kill();
    await hub.start();
    await hub.sim.clock.until("p to be back", () => p.updates[0]?.kind === "snapshot", 60_000);
    await pass(1_000);
    const [summary] = await proxiesOf(hub);
    assert.deepEqual([summary?.name, summary?.behind, summary?.address], ["p", 0, "p:80"]);
    assert.equal(summary?.revision, p.book.revision);
  });

  it("is refused when it is of a former version", async () => {
    const { hub } = await begin();
    await assert.rejects(hub.call("hub.meet", {}), { code: "BAD_VERSION" });
  });

  it("is shown when it is behind", async () => {
    const { hub, p } = await begin();
    p.conversation?.tell("hub.proxy", { revision: 1, stale: ["registry"] });
    const [summary] = await proxiesOf(hub);
    assert.deepEqual(summary?.stale, ["registry"]);
    assert.ok((summary?.behind ?? 0) > 0);
  });
});
