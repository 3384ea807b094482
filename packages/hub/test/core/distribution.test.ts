import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Distribution } from "@propagit/protocol";
import { DistributionCount } from "../../src/core/distribution.js";
import { DistributionLines } from "../../src/core/distribution-lines.js";
import { base, commit, mib, share, start, view } from "../support/swarm-views.js";

function count(isFor: (drone: string) => boolean = () => true): DistributionCount {
  return new DistributionCount({ commit, acceptedAt: start, isFor });
}

describe("how far the bytes of a release are", () => {
  it("sums the drones that it is for, whoever else takes part", () => {
    const shares = [
      share("web-1", { state: "used", pieces: 64 }),
      share("web-2", { pieces: 32, receivedBytesPerSecond: 4 * mib }),
      share("relay-b", { pieces: 50, receivedBytesPerSecond: mib }, { role: "relay" }),
    ];
    const views = [view(shares, { hubSentBytes: 70 * mib })];
    assert.deepEqual(count((drone) => drone.startsWith("web")).look(views, start + 2_000), {
      at: start + 2_000,
      since: start + 100,
      drones: 2,
      done: 1,
      failed: 0,
      lagging: 0,
      artifactBytes: 64 * mib,
      bytes: 96 * mib,
      bytesAll: 128 * mib,
      bytesPerSecond: 4 * mib,
      hubSentBytes: 70 * mib,
      over: false,
      rows: [
        {
          drone: "web-2",
          state: "taking",
          bytes: 32 * mib,
          bytesAll: 64 * mib,
          bytesPerSecond: 4 * mib,
          lags: false,
        },
        {
          drone: "web-1",
          state: "done",
          bytes: 64 * mib,
          bytesAll: 64 * mib,
          bytesPerSecond: 0,
          lags: false,
        },
      ],
    } satisfies Distribution);
  });

  it("is nothing while nobody takes part, or only those who had it before", () => {
    const old = share("web-1", { state: "used", pieces: 64 }, { since: start - 1 });
    assert.equal(count().look([], start), undefined);
    assert.equal(count().look([view([old])], start), undefined);
    assert.equal(count().look([view([share("web-1")], { commit: base })], start), undefined);
  });

  it("is what is packed while nobody can take it, and that of the base it is thin against", () => {
    const making = {
      repo: "webapp",
      commit,
      base,
      since: start + 5,
      estimate: mib,
      packedBytes: 10,
    };
    const ofBase = {
      ...making,
      commit: base,
      base: undefined,
      since: start + 3,
      estimate: 2 * mib,
    };
    const other = { ...making, commit: "e".repeat(40) };
    const seen = count().look([], start + 2_000, [making, ofBase, other]);
    assert.deepEqual(seen?.packing, { bytes: 20, bytesAll: 3 * mib });
    assert.deepEqual([seen.since, seen.drones, seen.over], [start + 3, 0, false]);
    assert.equal(count().look([], start, [other]), undefined);
    const beside = count().look([view([share("web-1")])], start + 2_000, [making]);
    assert.deepEqual([beside?.drones, beside?.packing?.bytes], [1, 10]);
  });

  it("says no more than what is packed when that was guessed too small, or not at all", () => {
    const making = { repo: "webapp", commit, base, since: start, packedBytes: 20 };
    const packing = (estimate: number | undefined) =>
      count().look([], start, [{ ...making, estimate }])?.packing;
    assert.deepEqual(packing(10), { bytes: 20, bytesAll: 20 });
    assert.deepEqual(packing(undefined), { bytes: 20 });
  });

  it("goes on counting who took part already, when he is done", () => {
    const counting = count();
    const early = { since: start - 5_000 };
    assert.equal(counting.look([view([share("web-1", {}, early)])], start)?.done, 0);
    const done = share("web-1", { state: "used", pieces: 64 }, early);
    assert.equal(counting.look([view([done])], start + 1)?.done, 1);
  });

  it("takes what a pack is thin against along, and what the hub sent of it before for nothing", () => {
    const counting = count();
    const thin = view([share("web-1", { pieces: 64, state: "whole" })], { base, bytes: mib });
    const whole = (hubSentBytes: number, pieces: number) =>
      view([share("web-1", { pieces, receivedBytesPerSecond: mib })], {
        artifact: "b".repeat(64),
        commit: base,
        madeAt: start - 1,
        hubSentBytes,
      });
    assert.equal(counting.look([thin, whole(100 * mib, 0)], start + 500)?.hubSentBytes, 0);
    const now = counting.look([thin, whole(132 * mib, 32)], start + 900);
    assert.equal(now?.hubSentBytes, 32 * mib);
    assert.equal(now?.artifactBytes, 64 * mib);
    assert.deepEqual(now?.rows, [
      {
        drone: "web-1",
        state: "taking",
        bytes: 33 * mib,
        bytesAll: 65 * mib,
        bytesPerSecond: mib,
        lags: false,
      },
    ]);
  });

  it("shows 50 of thousands, those first that need a look, and is counted in a moment", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      share(`web-${index}`, { pieces: index % 64, receivedBytesPerSecond: 10 }),
    );
    const shares = [
      ...many,
      share("slow", { pieces: 60 }, { lags: true }),
      share("lost", { pieces: 60 }, { connected: false }),
      share("broken", { state: "failed", reason: "the disk is full" }),
      share("over", { state: "gone", pieces: 64 }),
    ];
    // Time of the processor: this machine may be busy with other things too.
    const began = process.cpuUsage();
    const now = count().look([view(shares)], start + 2_000);
    const tookMs = process.cpuUsage(began).user / 1_000;
    assert.deepEqual(
      now?.rows.slice(0, 4).map(({ drone, state }) => `${drone} ${state}`),
      ["broken failed", "lost away", "slow taking", "web-0 taking"],
    );
    assert.equal(now?.rows.length, 50);
    assert.deepEqual([now?.drones, now?.failed, now?.lagging, now?.done], [10_004, 1, 1, 1]);
    assert.ok(JSON.stringify(now).length < 10_000);
    assert.ok(tookMs < 2_000, `it took ${tookMs} ms`);
  });
});

function distribution(more: Partial<Distribution>): Distribution {
  const all = { drones: 12, done: 0, failed: 0, lagging: 0, over: false, rows: [] };
  const bytes = { artifactBytes: 34 * mib, bytes: 0, bytesAll: 12 * 34 * mib };
  return {
    ...all,
    ...bytes,
    at: start,
    since: start,
    bytesPerSecond: 0,
    hubSentBytes: 0,
    ...more,
  };
}

describe("what a log says of it", () => {
  it("is little, and less the longer it takes", () => {
    const lines = new DistributionLines();
    const said: number[] = [];
    for (let ms = 0; ms <= 180_000; ms += 500) {
      if (lines.next(distribution({ at: start + ms })) !== undefined) said.push(ms / 1_000);
    }
    assert.deepEqual(said, [2, 5, 9.5, 16.5, 27, 42.5, 65.5, 95.5, 125.5, 155.5]);
  });

  it("says how far and how fast it is, and who is behind", () => {
    const row = { bytes: 4 * mib, bytesAll: 34 * mib, bytesPerSecond: 0, lags: true };
    const text = new DistributionLines().next(
      distribution({
        at: start + 3_000,
        bytes: 6 * 34 * mib,
        bytesPerSecond: 118 * mib,
        done: 1,
        lagging: 3,
        rows: [
          { drone: "web-7", state: "taking", ...row },
          { drone: "web-9", state: "away", ...row, lags: false },
        ],
      }),
    );
    assert.equal(
      text,
      "34 MiB for each of 12 drones: 50 % in 3.0 s, 118 MiB/s, 1.7 s left, 1 has it; behind: web-7 (11 %), web-9 (11 %) and 2 more",
    );
  });

  it("says the end once, with what the hub sent and who gave up", () => {
    const lines = new DistributionLines();
    const failed = { bytes: 0, bytesAll: 0, bytesPerSecond: 0, lags: false } as const;
    const reason = "nothing came for 60 s";
    const end = distribution({
      at: start + 7_100,
      over: true,
      done: 11,
      failed: 1,
      bytesAll: 11 * 34 * mib,
      bytes: 11 * 34 * mib,
      hubSentBytes: 38 * mib,
      rows: [{ drone: "web-3", state: "failed", reason, ...failed }],
    });
    assert.equal(
      lines.next(end),
      "11 drones have it: 34 MiB each in 7.1 s, 53 MiB/s; the hub sent 1.1 × its size; 1 drone goes on with git (web-3: nothing came for 60 s)",
    );
    assert.equal(lines.next(end), undefined);
  });
});
