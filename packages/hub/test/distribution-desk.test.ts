import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Distribution, SwarmView } from "@propagit/protocol";
import type { MakingArtifact } from "../src/artifacts.js";
import { Draft } from "../src/core/draft.js";
import { releaseKey, type DeploymentRow } from "../src/core/rows.js";
import { DistributionDesk, type SwarmSource } from "../src/distribution-desk.js";
import { makeDeskBench } from "./support/desk-bench.js";
import { emptySpecification } from "./support/specifications.js";
import { commit, mib, share, start, view } from "./support/swarm-views.js";

/** Drones `web-1` and `web-2` that a release is for, one that it is not for, and a swarm that a test moves. */
async function makeBench() {
  const bench = await makeDeskBench();
  const { clock, ledger } = bench;
  const deployment = "f".repeat(16);
  const draft = new Draft(ledger);
  for (const name of ["web-1", "web-2", "other"]) {
    const identity = Buffer.from(name).toString("hex").padEnd(32, "0");
    const row = { identity, name, wanted: name, host: "h", labels: {}, version: "1" };
    draft.put("drones", identity, { ...row, state: "connected", since: start });
  }
  const row: DeploymentRow = {
    id: deployment,
    repo: "webapp",
    environment: "production",
    commit,
    artifact: commit,
    release: 1,
    specification: emptySpecification,
    settings: {},
    since: start,
    started: true,
    services: [],
  };
  draft.put("deployments", deployment, row);
  await ledger.change(() => draft.change);
  await bench.startRollout({ acceptedAt: start });
  const swarm = new TestSwarm();
  const wantedOf = (_: string, identity: string) =>
    new Map(identity.startsWith("776562") ? [["web", 1]] : []);
  const desk = new DistributionDesk({ clock, ledger, assignments: { wantedOf }, swarm });
  const told: Distribution[] = [];
  const watch = desk.watch(
    { repo: "webapp", environment: "production", release: 1 },
    (distribution) => told.push(distribution),
  );
  const endRelease = async () => {
    const end = new Draft(ledger);
    end.delete("rollouts", releaseKey("webapp", "production", 1));
    await ledger.change(() => end.change);
  };
  const since = clock.now();
  const part = (drone: string, pieces: number) => share(drone, { pieces }, { since });
  const done = (drone: string) => share(drone, { pieces: 64, state: "used" }, { since });
  return { clock, swarm, desk, watch, told, endRelease, part, done };
}

class TestSwarm implements SwarmSource {
  asked = 0;
  listeners = new Set<{ readonly changed: (repo: string, artifact: string) => void }>();
  made: readonly MakingArtifact[] = [];
  #views: readonly SwarmView[] = [];

  views(): readonly SwarmView[] {
    this.asked += 1;
    return this.#views;
  }

  making(): readonly MakingArtifact[] {
    return this.made;
  }

  listen(listener: { readonly changed: (repo: string, artifact: string) => void }) {
    this.listeners.add(listener);
    return { stop: () => this.listeners.delete(listener) };
  }

  show(shares: readonly SwarmView["shares"][number][], repo = "webapp"): void {
    this.#views = [view(shares)];
    for (const { changed } of this.listeners) changed(repo, "a".repeat(64));
  }

  pack(...made: readonly MakingArtifact[]): void {
    this.made = made;
    for (const { changed } of this.listeners) changed("webapp", "");
  }
}

describe("the desk that tells how bytes travel", () => {
  it("tells nothing of what takes less than a moment", async () => {
    const { clock, swarm, told, endRelease, watch, part, done } = await makeBench();
    swarm.show([part("web-1", 3)]);
    await clock.advance(900);
    swarm.show([done("web-1")]);
    await clock.advance(60_000);
    await endRelease();
    await watch.over;
    assert.deepEqual(told, []);
    assert.equal(swarm.listeners.size, 0);
  });

  it("tells of the drones that the release is for, twice a second at most, and the end once", async () => {
    const { clock, swarm, told, part, done, endRelease, watch } = await makeBench();
    for (let step = 0; step < 30; step += 1) {
      swarm.show([part("web-1", step), part("web-2", step), part("other", step)]);
      await clock.advance(100);
    }
    assert.ok(told.length >= 4 && told.length <= 6, `${told.length} parts in 2 s`);
    assert.deepEqual([...new Set(told.map(({ drones }) => drones))], [2]);
    assert.equal(told.at(-1)?.bytesAll, 128 * mib);
    swarm.show([done("web-1"), done("web-2")]);
    await clock.advance(1_000);
    swarm.show([done("web-1"), done("web-2")]);
    await clock.advance(1_000);
    assert.deepEqual(
      told.filter(({ over }) => over).map((one) => one.line?.split(":")[0]),
      ["2 drones have it"],
    );
    await endRelease();
    await watch.over;
  });

  it("tells how far the pack is that the hub makes, when that takes more than a moment", async () => {
    const { clock, swarm, told, part } = await makeBench();
    const making = { repo: "webapp", commit, base: undefined, since: clock.now() };
    swarm.pack({ ...making, estimate: 64 * mib, packedBytes: 0 });
    await clock.advance(900);
    assert.equal(told.length, 0);
    swarm.pack({ ...making, estimate: 64 * mib, packedBytes: 16 * mib });
    await clock.advance(3_000);
    const [first] = told;
    assert.deepEqual(first?.packing, { bytes: 16 * mib, bytesAll: 64 * mib });
    assert.deepEqual([first.drones, first.over, first.since], [0, false, making.since]);
    assert.deepEqual(
      told.flatMap(({ line = [] }) => line),
      ["packing 64 MiB: 25 % in 3.4 s"],
    );
    swarm.pack();
    swarm.show([part("web-1", 3)]);
    await clock.advance(1_000);
    assert.deepEqual([told.at(-1)?.packing, told.at(-1)?.drones], [undefined, 1]);
  });

  it("tells that nothing is packed any more when the pack came to nothing", async () => {
    const { clock, swarm, told, endRelease } = await makeBench();
    const making = { repo: "webapp", commit, base: undefined, since: clock.now() };
    swarm.pack({ ...making, estimate: undefined, packedBytes: 5 });
    await clock.advance(5_000);
    assert.deepEqual(told.at(-1)?.packing, { bytes: 5 });
    assert.match(told.flatMap(({ line = [] }) => line).join(), /^packing: 5 B in 3.0 s$/);
    swarm.pack();
    await clock.advance(5_000);
    const last = told.at(-1);
    assert.deepEqual(
      [last?.packing, last?.over, last?.drones, last?.line],
      [undefined, true, 0, undefined],
    );
    const count = told.length;
    await endRelease();
    assert.equal(told.length, count);
  });

  it("goes on telling without any news", async () => {
    const { clock, swarm, told, part } = await makeBench();
    swarm.show([part("web-1", 3)]);
    await clock.advance(20_000);
    assert.ok(told.length >= 9 && told.length <= 11, `${told.length} parts in 19 s`);
  });

  it("tells the last state before the release is over", async () => {
    const { clock, swarm, told, part, done, endRelease, watch } = await makeBench();
    swarm.show([part("web-1", 3)]);
    await clock.advance(3_000);
    swarm.show([done("web-1")]);
    await endRelease();
    assert.equal(told.at(-1)?.over, true);
    await watch.over;
    const asked = swarm.asked;
    await clock.advance(10_000);
    assert.equal(swarm.asked, asked);
  });

  it("looks at nothing for another repository, nor for a release that is over", async () => {
    const { clock, swarm, desk, part } = await makeBench();
    await clock.advance(1_000);
    const { asked } = swarm;
    swarm.show([part("web-1", 3)], "shop");
    await clock.advance(1_000);
    assert.equal(swarm.asked, asked);
    const over = desk.watch({ repo: "webapp", environment: "production", release: 7 }, () => {
      assert.fail("nothing is told of it");
    });
    await over.over;
  });
});
