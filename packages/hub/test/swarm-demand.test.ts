import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstancePhase, InstanceReport } from "@propagit/protocol";
import { SimClock } from "@propagit/runtime";
import type { Counts } from "../src/core/assignments.js";
import type { DeploymentRow } from "../src/core/rows.js";
import { SwarmDemand, type DemandParts } from "../src/swarm-demand.js";
import { emptySpecification } from "./support/specifications.js";

const [repo, commit, artifact] = ["webapp", "a".repeat(40), "b".repeat(40)];
const id = "0d1c2b3a49586776";

function makeDemand(changes: Partial<DeploymentRow> = {}) {
  const clock = new SimClock(0);
  const phases = new Map<string, InstancePhase>();
  const away = new Set<string>();
  const row: DeploymentRow = {
    id,
    repo,
    environment: "production",
    commit,
    release: 1,
    specification: emptySpecification,
    settings: {},
    since: 1,
    started: true,
    services: ["web"],
    ...changes,
  };
  const places = new Map(["one", "two", "three"].map((identity) => [identity, 1]));
  const counts: Counts = new Map([[id, new Map([["web", places]])]]);
  const rows = new Map([[id, row]]);
  const reportsOf = (identity: string) => {
    const phase = phases.get(identity);
    return phase === undefined ? [] : [{ phase } as InstanceReport];
  };
  const parts = {
    clock,
    ledger: { rows: () => rows },
    fleet: {
      reportsOf,
      sessionKeyOf: (identity: string) => (away.has(identity) ? undefined : "k"),
    },
    assignments: { counts },
  };
  const demand = new SwarmDemand(parts as unknown as DemandParts);
  return { demand, clock, phases, away };
}

describe("how many drones want a commit", () => {
  it("is those that are assigned it and are there", () => {
    const { demand, away } = makeDemand();
    away.add("three");
    assert.equal(demand.wanting(repo, commit), 2);
    assert.equal(demand.wanting(repo, artifact), 0);
    assert.equal(demand.wanting("other", commit), 0);
  });

  it("is of what a build made, not of what it was made from", () => {
    const { demand } = makeDemand({ artifact });
    assert.equal(demand.wanting(repo, artifact), 3);
    assert.equal(demand.wanting(repo, commit), 0);
  });

  it("is nobody while it is built and tested", () => {
    assert.equal(makeDemand({ started: false }).demand.wanting(repo, commit), 0);
  });

  it("is without those that have it, within half a second", async () => {
    const { demand, phases, clock } = makeDemand();
    assert.deepEqual([demand.wanting(repo, commit), demand.holding(repo, commit)], [3, 0]);
    phases.set("one", "fetching").set("two", "checking-out").set("three", "ready");
    assert.deepEqual([demand.wanting(repo, commit), demand.holding(repo, commit)], [3, 0]);
    await clock.advance(500);
    assert.deepEqual([demand.wanting(repo, commit), demand.holding(repo, commit)], [1, 2]);
  });

  it("is with those that asked lately, each once, until they have it", async () => {
    const { demand, clock } = makeDemand();
    for (const identity of ["one", "build", "build", "files"]) demand.asks(repo, commit, identity);
    assert.equal(demand.wanting(repo, commit), 5);
    demand.got(repo, commit, "build");
    assert.equal(demand.wanting(repo, commit), 4);
    await clock.advance(60_001);
    assert.equal(demand.wanting(repo, commit), 3);
    demand.tidy();
    assert.equal(demand.wanting(repo, commit), 3);
  });

  it("forgets who asked longest ago when very many commits are asked for", () => {
    const { demand } = makeDemand();
    const madeUp = (at: number) => at.toString(16).padStart(40, "0");
    for (let at = 0; at < 20_000; at++) demand.asks(repo, madeUp(at), "liar");
    assert.equal(demand.wanting(repo, madeUp(0)), 0);
    assert.equal(demand.wanting(repo, madeUp(19_999)), 1);
  });
});
