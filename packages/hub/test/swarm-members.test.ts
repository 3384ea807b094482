import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Member } from "../src/fleet.js";
import { SwarmMembers, type SwarmMembersParts } from "../src/swarm-members.js";

const names = ["b1", "b2", "b3", "b4"] as const;
const artifacts = Array.from({ length: 400 }, (_, at) => at.toString(16).padStart(64, "0"));
const nobody: (name: string) => boolean = () => false;

/** A zone with four relays, of which those that are away are named. */
function makeMembers(away = new Set<string>()) {
  const members = names.map((name): Member => {
    const relay = { host: name, port: 6001, upstream: "hub:6001" };
    const own = { identity: name, name, labels: { zone: "b" }, swarm: { port: 40_000, relay } };
    return own as unknown as Member;
  });
  const parts = {
    fleet: {
      members,
      member: (identity: string) => members.find((one) => one.identity === identity),
      listen: () => ({ stop: () => undefined }),
      sessionKeyOf: (identity: string) => (away.has(identity) ? undefined : "key"),
    },
    ledger: { rows: () => new Map(names.map((name) => [name, { host: name }])) },
    relays: { through: () => undefined },
  };
  return new SwarmMembers(parts as unknown as SwarmMembersParts);
}

function carrier(
  members: SwarmMembers,
  artifact: string,
  { unfit = new Set<string>(), takesPart = nobody } = {},
): string | undefined {
  return members.relayOf("b", { artifact, unfit, takesPart })?.name;
}

describe("the relay that carries an artifact into a zone", () => {
  it("is always the same one for an artifact, and artifacts are spread over all", () => {
    const members = makeMembers();
    const counts = new Map<string, number>();
    for (const artifact of artifacts) {
      const name = carrier(members, artifact) ?? assert.fail("all of them live");
      assert.equal(carrier(makeMembers(), artifact), name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].toSorted(), [...names]);
    // A quarter each: 100, give or take what chance does.
    for (const [name, count] of counts) assert.ok(count > 60 && count < 140, `${name}: ${count}`);
  });

  it("is another one when it is away or did not take it on, and only for its artifacts", () => {
    const [whole, less] = [makeMembers(), makeMembers(new Set(["b2"]))];
    for (const artifact of artifacts) {
      const name = carrier(whole, artifact);
      const next = carrier(less, artifact);
      if (name === "b2") assert.ok(next !== undefined && next !== "b2");
      else assert.equal(next, name);
      assert.equal(carrier(whole, artifact, { unfit: new Set(["b2"]) }), next);
    }
  });

  it("stays the one that takes part in it, whoever comes back", () => {
    const members = makeMembers();
    for (const artifact of artifacts) {
      const takesPart = (name: string) => name === "b3";
      assert.equal(carrier(members, artifact, { takesPart }), "b3");
      const other = carrier(members, artifact, { unfit: new Set(["b3"]), takesPart });
      assert.ok(other !== undefined && other !== "b3");
    }
  });

  it("is nobody where no relay lives", () => {
    assert.equal(carrier(makeMembers(new Set(names)), artifacts[0] ?? ""), undefined);
    const elsewhere = { artifact: "", unfit: new Set<string>(), takesPart: nobody };
    assert.equal(makeMembers().relayOf("c", elsewhere), undefined);
  });
});
