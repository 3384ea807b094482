/** What whoever pushed is told of the bytes of his release on their way. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommitHash, Distribution, RepoName, RolloutResult } from "@propagit/protocol";
import { PushDesk, type IncomingPush } from "../src/push-desk.js";
import type { ReleaseName } from "../src/rollout-queues.js";
import { commit } from "./support/swarm-views.js";

const repo = "webapp" as RepoName;
const release = { repo, environment: "production", release: 3 };

const push: IncomingPush = {
  repo,
  changes: [{ ref: "refs/heads/main", oldId: undefined, newId: commit }],
  options: ["env=production"],
  by: "ann",
  commitOf: async () => commit as CommitHash,
  read: async () => new Map([["Procfile", "web: node web.js\n"]]),
};

/** A deploy of which the test tells how its bytes travel, and that ends when it says so. */
function makeBench(end: () => Promise<RolloutResult>) {
  const watched: ReleaseName[] = [];
  const said: string[] = [];
  let stopped = 0;
  let tell: (one: Partial<Distribution>) => void = () => {};
  const desk = new PushDesk({
    ledger: { note: () => undefined },
    deploy: (_, { onPart }) => {
      onPart({ kind: "accepted", at: 1, ...release, commit });
      return end();
    },
    isVisited: () => true,
    isStepping: () => false,
    branchesOf: () => [],
    branchesMoved: async () => undefined,
    proxyUrl: undefined,
    distribution: {
      watch: (name, onPart) => {
        watched.push(name);
        tell = (one) => onPart(one as Distribution);
        return { stop: () => void (stopped += 1) };
      },
    },
  });
  const leaving = new AbortController();
  const pushed = () =>
    desk.accepted(push, { say: (line) => said.push(line), signal: leaving.signal });
  return {
    watched,
    said,
    leaving,
    pushed,
    tell: (one: Partial<Distribution>) => tell(one),
    stops: () => stopped,
  };
}

describe("a push whose bytes are on their way", () => {
  const result: RolloutResult = {
    ...release,
    commit,
    outcome: "ready",
    promoted: true,
    drones: [],
    hosts: [],
  };

  it("says the lines that are due, from when the release is accepted until it ends", async () => {
    let finish = () => {};
    const ended = new Promise<RolloutResult>((resolve) => {
      finish = () => resolve(result);
    });
    const bench = makeBench(() => ended);
    const pushing = bench.pushed();
    while (bench.watched.length === 0) await new Promise(setImmediate);
    bench.tell({ line: "34 MiB for each of 64 drones: 82 %" });
    bench.tell({});
    bench.tell({ line: "64 drones have it" });
    assert.deepEqual(bench.said.slice(1), [
      "34 MiB for each of 64 drones: 82 %",
      "64 drones have it",
    ]);
    assert.equal(bench.stops(), 0);
    finish();
    assert.equal(await pushing, undefined);
    assert.equal(bench.stops(), 1);
    assert.deepEqual(
      bench.watched.map(({ repo: name, release: number }) => `${name} ${number}`),
      ["webapp 3"],
    );
  });

  it("looks no longer when whoever pushed has gone, nor after a failure", async () => {
    const bench = makeBench(() => new Promise(() => undefined));
    void bench.pushed();
    while (bench.watched.length === 0) await new Promise(setImmediate);
    bench.leaving.abort();
    assert.equal(bench.stops(), 1);
    const failing = makeBench(() => Promise.reject(new Error("no")));
    assert.match((await failing.pushed()) ?? "", /main: /);
    assert.equal(failing.stops(), 1);
  });
});
