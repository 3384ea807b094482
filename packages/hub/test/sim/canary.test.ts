/** Rollouts by steps with a whole hub, drones and proxies in virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Canary, CanaryProgress, Params, TrafficSight } from "@propagit/protocol";
import { commits, credential, hubAddress, identityOf, SimHub } from "../support/sim-hub.js";
import { SimProxy, type SimProxyOptions } from "../support/sim-proxy.js";

const { one, three } = commits;
const plan = { steps: [5, 25, 50, 100], everyMs: 60_000 };
const place = { repo: "webapp" };

interface Stage {
  readonly hub: SimHub;
  readonly proxy: SimProxy;
}

/** A hub, two drones, a proxy, and `one` with all visitors. */
async function stage(options: Partial<SimProxyOptions> = {}): Promise<Stage> {
  const hub = await SimHub.start(7);
  await hub.drones("web-1", "web-2");
  const proxy = proxyOf(hub, "edge-1", options);
  await hub.deploy(one);
  await hub.sim.clock.until("visitors of one", () => proxy.shares[one] === 100);
  return { hub, proxy };
}

function proxyOf(hub: SimHub, name: string, options: Partial<SimProxyOptions> = {}): SimProxy {
  const identity = identityOf(name);
  return new SimProxy(hub.sim.worldOf(name), {
    hub: hubAddress,
    credential,
    identity,
    name,
    ...options,
  });
}

function start(
  { hub }: Stage,
  more: Partial<Params<"hub.canary-start">> = {},
  onPart: (part: CanaryProgress) => void = () => undefined,
): Promise<Canary> {
  return hub.begin(
    "hub.canary-start",
    { ...place, ref: three, plan, by: "ann", ...more },
    { onPart },
  );
}

async function status({ hub }: Stage): Promise<Canary> {
  return hub.call("hub.canary", { ...place, follow: false });
}

describe("a rollout by steps", () => {
  it("deploys the commit, raises its share step by step, and ends with all visitors there", async () => {
    const scene = await stage();
    const seen: string[] = [];
    const onPart = (part: CanaryProgress) => {
      const percent = `${scene.proxy.shares[three] ?? 0} %`;
      if (part.kind === "canary" && seen.at(-1) !== percent) seen.push(percent);
    };
    const end = await scene.hub.settle(start(scene, {}, onPart));
    assert.equal(end.end?.outcome, "promoted", end.end?.reason);
    assert.deepEqual(seen.slice(0, 4), ["0 %", "5 %", "25 %", "50 %"]);
    await scene.hub.sim.clock.until("all visitors", () => scene.proxy.shares[three] === 100);
    const { releases } = await scene.hub.call("hub.releases", { ...place, last: 2 });
    assert.deepEqual(
      releases.map(({ number, current }) => [number, current]),
      [
        [2, true],
        [1, false],
      ],
    );
  });

  it("takes a commit that fails back within seconds, and says why in numbers", async () => {
    const scene = await stage();
    scene.proxy.treatments.set(three, { failing: 0.3, ms: 20 });
    const begun = scene.hub.sim.clock.now();
    const end = await scene.hub.settle(start(scene));
    assert.equal(end.end?.outcome, "aborted");
    assert.match(
      end.end?.reason ?? "",
      /^release 2 \(3000000\) fails \d+\.\d % of \d+ requests, 74336bc \d\.\d % of \d+; bound \+0\.5 points$/,
    );
    assert.ok(scene.hub.sim.clock.now() - begun < 60_000);
    await scene.hub.sim.clock.until("back", () => scene.proxy.shares[one] === 100, 1_000);
    const { drones } = await scene.hub.call("hub.deploy", { ...place, ref: three, promote: false });
    assert.ok(drones.length > 0, "it still runs, for whoever wants to look at it");
  });

  it("takes a commit that is slower back", async () => {
    const scene = await stage();
    scene.proxy.treatments.set(three, { failing: 0.003, ms: 60 });
    const end = await scene.hub.settle(start(scene));
    assert.equal(end.end?.outcome, "aborted");
    assert.match(
      end.end?.reason ?? "",
      /take longer than \d+ ms, \d\.\d % of \d+ of 74336bc longer than \d+ ms; bound 1\.2 x$/,
    );
  });

  it("waits as long as there is too little to tell, and goes on when there is enough", async () => {
    const scene = await stage({ perSecond: 2 });
    const running = start(scene);
    const { clock } = scene.hub.sim;
    await clock.advance(5 * 60_000);
    const waiting = await status(scene);
    assert.equal(waiting.phase, "waiting");
    assert.equal(waiting.percent, 5);
    assert.match(waiting.text, /200 of each are needed to tell$/);
    scene.proxy.perSecond = 200;
    assert.equal((await scene.hub.settle(running)).end?.outcome, "promoted");
  });

  it("stops, or goes on, with too little to tell when it is to", async () => {
    const scene = await stage({ perSecond: 1 });
    const stopped = start(scene, { plan: { ...plan, inconclusive: "stop" } });
    assert.match((await scene.hub.settle(stopped)).end?.reason ?? "", /^too little to tell/);
    assert.equal((await status(scene)).end?.outcome, "aborted");
    const gone = start(scene, { plan: { ...plan, inconclusive: "go" } });
    assert.equal((await scene.hub.settle(gone)).end?.outcome, "promoted");
  });

  it("does not judge while a proxy is away, and goes on when it is back", async () => {
    const scene = await stage();
    const second = proxyOf(scene.hub, "edge-2");
    const running = start(scene);
    const { clock } = scene.hub.sim;
    await clock.advance(20_000);
    second.die();
    await clock.advance(70_000);
    const waiting = await status(scene);
    assert.equal(waiting.phase, "waiting");
    assert.equal(waiting.text, "proxy edge-2 is away, and what it counts is not known");
    proxyOf(scene.hub, "edge-2");
    assert.equal((await scene.hub.settle(running)).end?.outcome, "promoted");
  });

  it("ends when somebody sends the visitors elsewhere, and leaves them there", async () => {
    const scene = await stage();
    const running = start(scene);
    await scene.hub.sim.clock.until("5 %", () => scene.proxy.shares[three] === 5);
    const shares = [
      { ref: one, weight: 1 },
      { ref: three, weight: 1 },
    ];
    await scene.hub.call("hub.split", { ...place, shares, by: "bob" });
    const { end } = await scene.hub.settle(running);
    assert.equal(end?.outcome, "ended");
    assert.match(end?.reason ?? "", /^visitors were sent elsewhere: .* are split: .*, by bob$/);
    assert.equal(scene.proxy.shares[three], 50);
  });

  it("is paused, resumed, promoted and aborted by hand", async () => {
    const scene = await stage();
    const change = (what: Params<"hub.canary-change">["change"]) =>
      scene.hub.call("hub.canary-change", { ...place, change: what, by: "bob" });
    const running = start(scene);
    const { clock } = scene.hub.sim;
    await clock.until("5 %", () => scene.proxy.shares[three] === 5);
    assert.equal((await change("pause")).phase, "paused");
    await clock.advance(10 * 60_000);
    assert.deepEqual([(await status(scene)).phase, scene.proxy.shares[three]], ["paused", 5]);
    await assert.rejects(change("pause"), { code: "NO_ROLLOUT" });
    await change("resume");
    await clock.until("25 %", () => scene.proxy.shares[three] === 25);
    await change("abort");
    assert.equal((await scene.hub.settle(running)).end?.reason, "bob aborted it");
    await clock.until("back", () => scene.proxy.shares[one] === 100, 1_000);
    await assert.rejects(change("abort"), { code: "NO_ROLLOUT" });
    const again = start(scene);
    await clock.until("5 %", () => scene.proxy.shares[three] === 5);
    await change("promote");
    assert.equal((await scene.hub.settle(again)).end?.outcome, "promoted");
    await clock.until("all", () => scene.proxy.shares[three] === 100, 1_000);
  });

  it("is looked on at by whoever asks for the same again, and not begun otherwise", async () => {
    const scene = await stage();
    const running = start(scene);
    const { clock } = scene.hub.sim;
    await clock.until("5 %", () => scene.proxy.shares[three] === 5);
    for (const same of [{}, { everyMs: 60_000 }, plan]) {
      const canary = await scene.hub.settle(start(scene, { plan: same, detach: true }));
      assert.deepEqual([canary.percent, canary.plan.everyMs], [5, 60_000]);
    }
    const other = { everyMs: 1_000, inconclusive: "stop" } as const;
    await assert.rejects(scene.hub.settle(start(scene, { plan: other, detach: true })), {
      code: "ROLLOUT_RUNNING",
      message:
        "the rollout of release 2 (3000000) in webapp is under way with --every 1m, --inconclusive wait",
      hint: "leave these flags out to look on, or first: propagit rollout abort webapp",
    });
    await scene.hub.call("hub.canary-change", { ...place, change: "abort", by: "bob" });
    await scene.hub.settle(running);
  });

  it("is listed with those of its environment", async () => {
    const scene = await stage();
    await scene.hub.settle(start(scene, { detach: true }));
    const listed = async (more: Partial<Params<"hub.canaries">>) => {
      const { canaries } = await scene.hub.call("hub.canaries", { over: true, ...more });
      return canaries.length;
    };
    assert.deepEqual([await listed({}), await listed({ environment: "production" })], [1, 1]);
    await scene.hub.call("hub.deploy", { ...place, ref: one, environment: "staging" });
    assert.equal(await listed({ environment: "staging" }), 0);
  });

  it("is not called silent for having no visitors: a proxy that is lost is", async () => {
    const scene = await stage({ perSecond: 0 });
    const second = proxyOf(scene.hub, "edge-2", { perSecond: 0 });
    await scene.hub.sim.clock.until("it is there", () => second.shares[one] === 100);
    const heard = async () => {
      const seen: number[] = [];
      const onPart = (sight: TrafficSight) => void seen.push(sight.proxies, sight.reporting);
      await scene.hub.settle(scene.hub.begin("hub.traffic", { follow: false }, { onPart }));
      return seen;
    };
    assert.deepEqual(await heard(), [2, 2]);
    second.die();
    await scene.hub.sim.clock.advance(100);
    assert.deepEqual(await heard(), [2, 1]);
  });

  it("takes a commit back of which nothing is left", async () => {
    const hub = await SimHub.start(7);
    const [drone] = await hub.drones("web-1");
    const proxy = proxyOf(hub, "edge-1");
    await hub.deploy(one);
    const scene = { hub, proxy };
    const running = start(scene);
    await hub.sim.clock.until("5 %", () => proxy.shares[three] === 5);
    const victim = [...(drone?.instances.values() ?? [])].find(({ commit }) => commit === three);
    drone?.fail(victim?.process ?? "");
    const { end } = await hub.settle(running);
    assert.equal(end?.reason, "release 2 (3000000) has no instance that is ready");
    await hub.sim.clock.until("back", () => proxy.shares[one] === 100, 1_000);
  });

  it("fails without a visitor when its release does", async () => {
    const hub = await SimHub.start(7);
    const fateOf = ({ commit }: { commit: string }) => (commit === three ? "fails" : "ready");
    const drone = hub.drone("web-1", { fateOf });
    await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
    const proxy = proxyOf(hub, "edge-1");
    await hub.deploy(one);
    const { end } = await hub.settle(start({ hub, proxy }));
    assert.equal(end?.outcome, "failed");
    assert.match(end?.reason ?? "", /^release 2 \(3000000\) was not ready: failed: /);
    assert.deepEqual(proxy.shares, { [one]: 100 });
  });

  it("goes on where it stood after the hub was killed, wherever that was", async () => {
    const short = { plan: { ...plan, everyMs: 20_000, minRequests: 5 } };
    for (const write of [1, 2, 3, 4, 5, 6, 8, 10, 12]) {
      for (const when of ["before", "after"] as const) {
        const scene = await stage({ perSecond: 10 });
        const { hub, proxy } = scene;
        hub.killAtWrite(write, when);
        const lost = start(scene, short).catch(() => undefined);
        await hub.sim.clock.advance(3 * 60_000);
        await lost;
        if (!hub.isAlive) await hub.start();
        await hub.sim.clock.advance(30_000);
        // Whoever asked asks again, as nobody answered him.
        const { end } = await hub.settle(start(scene, short).catch(() => status(scene)));
        const what = `killed ${when} write ${write}`;
        assert.equal(end?.outcome, "promoted", `${what}: ${end?.reason}`);
        await hub.sim.clock.until(what, () => proxy.shares[three] === 100, 5_000);
      }
    }
  });

  it("begins by itself when the manifest says so, and a newer one takes its place", async () => {
    const scene = await stage();
    const { hub, proxy } = scene;
    const manifest = "rollout: { steps: [10%, 100%], every: 1m }\n";
    hub.repositories.push("webapp", "three", three, { "propagit.yaml": manifest });
    const { result } = await hub.deploy(three);
    assert.deepEqual([result.outcome, result.promoted], ["ready", false]);
    await hub.sim.clock.until("10 %", () => proxy.shares[three] === 10);
    hub.repositories.push("webapp", "two", commits.two, { "propagit.yaml": manifest });
    await hub.deploy(commits.two);
    await hub.sim.clock.until("two", () => proxy.shares[commits.two] === 10);
    assert.deepEqual(proxy.shares, { [one]: 90, [commits.two]: 10 });
    await hub.sim.clock.until("all", () => proxy.shares[commits.two] === 100, 5 * 60_000);
  });
});
