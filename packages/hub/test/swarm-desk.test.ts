import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import type { ArtifactAnswer, Grant } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import { keyOfClaim, proofOfHolder, secretOfHolder } from "@propagit/swarm";
import { until } from "./support/real-git.js";
import { makeSwarmHub, shareReport, type AskingDrone, type SwarmHub } from "./support/swarm-hub.js";

/** Too large for an answer. */
const large = 128 * 1024;
/** With one more a swarm is worth it. */
const crowdMin = 5;

/** A hub with commits, each of which adds so many bytes that cannot be compressed. */
async function makeHub(t: TestContext, ...sizes: number[]) {
  const hub = await makeSwarmHub(t);
  const commits: string[] = [];
  for (const [at, size] of sizes.entries()) commits.push(await add(hub, `${at}.txt`, size));
  const [first = "", second = "", third = ""] = commits;
  return { hub, first, second, third };
}

async function add({ bench }: SwarmHub, file: string, size: number): Promise<string> {
  const commit = await bench.commit({ [file]: randomBytes(size).toString("base64") });
  const { exitCode, stderr } = await bench.push("HEAD:main");
  assert.equal(exitCode, 0, stderr);
  return commit;
}

function grantOf(answer: ArtifactAnswer): Grant {
  assert.ok(answer.how === "swarm", JSON.stringify(answer));
  return answer.grant;
}

const names = ({ peers }: Pick<Grant, "peers">) => peers.map(({ name }) => name).toSorted();

/** So many ask and get it with git: the next one makes it worth a swarm. */
async function crowd(hub: SwarmHub, commit: string, have: readonly string[] = []) {
  const drones = await Promise.all(many(crowdMin, (at) => hub.drone(`c${at}`)));
  for (const drone of drones) await drone.ask(commit, have);
  return drones;
}

async function pair(hub: SwarmHub, commit: string) {
  const [one = assert.fail()] = await crowd(hub, commit);
  const two = await hub.drone("two");
  return { one, two, grant: grantOf(await two.ask(commit)) };
}

describe("how a drone gets a commit", () => {
  it("is git for a single one, and nothing is made for it", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const drone = await hub.drone("one");
    assert.deepEqual(await drone.ask(first), { how: "git" });
    assert.deepEqual(await drone.ask(first), { how: "git" });
    assert.deepEqual([hub.shelf.kept, hub.offers], [[], []]);
  });

  it("is a grant when others want it too, and with whom to begin", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { two, grant } = await pair(hub, first);
    const [kept] = hub.shelf.kept;
    assert.ok(kept);
    const sessionKey = two.conversation.peer?.sessionKey ?? "";
    const own = secretOfHolder(nodeCrypto, kept.secret, "two");
    assert.equal(nodeCrypto.decrypt(sessionKey, grant.secret), own);
    assert.deepEqual(
      [grant.artifact, grant.bytes, grant.holder, grant.hubKey],
      [kept.artifact, kept.bytes, "two", hub.shelf.hubKey],
    );
    assert.ok(grant.expiresAt > grant.now && Math.abs(grant.now - Date.now()) < 10_000);
    const [peer] = grant.peers;
    assert.deepEqual([peer?.name, peer?.role, peer?.host], ["hub", "hub", "*"]);
    const claim = { artifact: kept.artifact, holder: "two", expiresAt: peer?.expiresAt ?? 0 };
    const hubSecret = hub.offers[0]?.secret ?? "";
    const key = nodeCrypto.decrypt(sessionKey, peer?.key ?? "");
    assert.equal(key, keyOfClaim(nodeCrypto, hubSecret, claim), "no key for the hub");
    assert.notEqual(hubSecret, own);
    const three = await hub.drone("three");
    assert.deepEqual(names(grantOf(await three.ask(first))), ["hub", "two"]);
    assert.equal(hub.offers.length, 1);
    assert.deepEqual(hub.offers[0]?.manifest, kept.manifest);
  });

  it("is git for what a drone asks beyond what one fetches at once", async (t) => {
    const { hub, first } = await makeHub(t, large);
    await pair(hub, first);
    const greedy = await hub.drone("greedy");
    const answers = await Promise.all(many(400, () => greedy.ask(first)));
    const reasons = answers.flatMap((answer) => (answer.how === "git" ? [answer.reason] : []));
    assert.ok(reasons.includes("32 questions wait already"), [...new Set(reasons)].join());
    await assert.rejects(greedy.ask("1".repeat(40)), { code: "NO_COMMIT" });
    assert.equal((await greedy.ask(first)).how, "swarm");
  });

  it("is git for a drone that has the hub's own name", async (t) => {
    const { hub, first } = await makeHub(t, large);
    await pair(hub, first);
    const impostor = await hub.drone("hub");
    assert.deepEqual(await impostor.ask(first), { how: "git" });
  });

  it("is the pack itself when that is small", async (t) => {
    const { hub, first, second } = await makeHub(t, large, 2_000);
    const [one, two] = [await hub.drone("one"), await hub.drone("two")];
    await one.ask(second, [first]);
    const answer = await two.ask(second, [first]);
    assert.ok(answer.how === "inline", JSON.stringify(answer));
    assert.deepEqual([answer.commit, answer.base], [second, first]);
    const sessionKey = two.conversation.peer?.sessionKey ?? "";
    const pack = Buffer.from(nodeCrypto.decryptBytes(sessionKey, answer.pack) ?? []);
    assert.equal(pack.subarray(0, 4).toString(), "PACK");
  });

  it("is thin against what it has, never against nonsense", async (t) => {
    const { hub, first, second } = await makeHub(t, large, large);
    const nonsense = ["0".repeat(40), "f".repeat(64), second];
    await crowd(hub, second, [...nonsense, first]);
    const two = await hub.drone("two");
    const answer = await two.ask(second, [...nonsense, first]);
    assert.ok(answer.how === "swarm");
    assert.deepEqual([answer.commit, answer.base], [second, first]);
    const three = await hub.drone("three");
    const whole = await three.ask(second, nonsense);
    assert.ok(whole.how === "swarm");
    assert.deepEqual([whole.commit, whole.base], [second, undefined]);
  });

  it("is for a newcomer first what others hold, then the step from there", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { two, grant } = await pair(hub, first);
    two.tell(shareReport(grant.artifact, { state: "used", pieces: 10 }));
    const second = await add(hub, "more.txt", 20_000);
    const newcomer = await hub.drone("new");
    await until("the hub knows who holds it", async () => (await held(hub)) === 1);
    // One who holds what it begins with counts like one more who wants it.
    for (let at = 1; at < crowdMin; at++) await (await hub.drone(`n${at}`)).ask(second);
    const answer = await newcomer.ask(second);
    assert.ok(answer.how === "swarm");
    assert.deepEqual([answer.commit, answer.base], [first, undefined]);
    assert.deepEqual(names(answer.grant), ["hub", "two"]);
  });

  it("is git for a drone without a port for pieces", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const old = await hub.drone("old", { swarm: null });
    await pair(hub, first);
    assert.deepEqual(await old.ask(first), { how: "git" });
  });

  it("is a refusal for what is not there, and for who is no drone", async (t) => {
    const { hub, first } = await makeHub(t, 1_000);
    const drone = await hub.drone("one");
    await assert.rejects(drone.ask("0".repeat(40)), { code: "NO_COMMIT" });
    await assert.rejects(drone.ask(first, [], "nothing"), { code: "NO_REPO" });
    await assert.rejects(drone.ask(first, [], "../webapp"), { code: "BAD_NAME" });
    const command = await hub.command();
    await assert.rejects(
      command.call("hub.artifact", { repo: "webapp", commit: first, have: [] }),
      {
        code: "BAD_FRAME",
      },
    );
  });

  it("is git with the reason when the pack cannot be made", async (t) => {
    const { hub, first } = await makeHub(t, large);
    await crowd(hub, first);
    const two = await hub.drone("two");
    await hub.bench.good(["config", "--add", "pack.indexVersion", "7"], {
      cwd: "hub/repos/webapp.git",
    });
    const answer = await two.ask(first);
    assert.ok(
      answer.how === "git" && answer.reason?.startsWith("packing webapp"),
      JSON.stringify(answer),
    );
    assert.ok(hub.log.some((line) => line.includes("with git: packing webapp")));
  });

  it("is one pack for 500 that ask at the same time", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const drones = await Promise.all(many(20, (at) => hub.drone(`d${at}`)));
    const answers = await Promise.all(
      many(500, (at) => (drones[at % drones.length] as AskingDrone).ask(first)),
    );
    // Those who were first perhaps were still too few.
    assert.ok(answers.filter(({ how }) => how === "swarm").length >= 450);
    assert.equal(hub.shelf.kept.length, 1);
    assert.equal(hub.log.filter((line) => line.includes("is packed")).length, 1);
    assert.equal(hub.offers.length, 1);
  });
});

describe("what drones tell of their shares", () => {
  it("is shown, with who they are and what the hub sent", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { two, grant } = await pair(hub, first);
    const report = shareReport(grant.artifact, { pieces: 3, receivedBytes: 99 });
    two.tell(report);
    const command = await hub.command();
    const seen = async () => (await command.call("hub.swarm", {})).artifacts;
    await until("it is heard", async () => (await seen())[0]?.shares[0]?.report.pieces === 3);
    const [view] = await seen();
    assert.deepEqual(
      [view?.repo, view?.commit, view?.artifact, view?.hubSentBytes],
      ["webapp", first, grant.artifact, 12_345],
    );
    assert.deepEqual(
      view?.shares.map(({ drone, connected }) => [drone, connected]),
      [["two", true]],
    );
    assert.deepEqual(view?.shares[0]?.report, report);
    const brief = await command.call("hub.swarm", { which: first.slice(0, 7), brief: true });
    assert.deepEqual(
      brief.artifacts.map(({ totals, shares }) => [totals?.taking, shares]),
      [[1, []]],
    );
    assert.deepEqual((await command.call("hub.swarm", { which: "0000000" })).artifacts, []);
    two.leave();
    await until("it is gone", async () => (await seen())[0]?.shares[0]?.connected === false);
  });

  it("brings more peers to who lacks them, and to those peers", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { one, two, grant } = await pair(hub, first);
    await one.ask(first);
    const others = await Promise.all(many(12, (at) => hub.drone(`d${at}`)));
    for (const other of others) await other.ask(first);
    const everybody = [one, ...others];
    const peersTold = ({ told }: (typeof everybody)[number]) =>
      told.flatMap(({ peers }) => peers.map(({ name }) => name));
    await until("it and another one are told of each other", () => {
      // As a drone does, which says it again as long as it is so.
      two.tell(shareReport(grant.artifact, { lacksPeers: true }));
      const told = peersTold(two);
      return everybody.some((other) => {
        return told.includes(other.name) && peersTold(other).includes("two");
      });
    });
    assert.ok(two.told.every(({ artifact }) => artifact === grant.artifact));
  });

  it("is known again after a restart of the hub, which serves the same artifact", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { grant } = await pair(hub, first);
    await hub.restart();
    const two = await hub.drone("two");
    const secret = secretOfHolder(nodeCrypto, hub.shelf.kept[0]?.secret ?? "", "two");
    const proof = proofOfHolder(nodeCrypto, secret);
    two.tell({ ...shareReport(grant.artifact, { pieces: 5 }), proof });
    await until("the hub offers it again", () => hub.offers.length === 2);
    assert.deepEqual(hub.offers[1]?.secret, hub.offers[0]?.secret);
    const three = await hub.drone("three");
    const again = grantOf(await two.ask(first));
    await crowd(hub, first);
    assert.equal(again.artifact, grant.artifact);
    assert.ok(names(grantOf(await three.ask(first))).includes("two"));
  });

  it("is a failure after which the drone gets it with git", async (t) => {
    const { hub, first } = await makeHub(t, large);
    const { two, grant } = await pair(hub, first);
    two.tell(shareReport(grant.artifact, { state: "failed", reason: "the disk is full" }));
    await until("the hub says so", () => hub.log.some((line) => line.includes("the disk is full")));
    assert.deepEqual(await two.ask(first), { how: "git" });
  });

  it("means nothing when the hub knows no such artifact", async (t) => {
    const { hub, first } = await makeHub(t, 1_000);
    const drone = await hub.drone("one");
    drone.tell(shareReport("f".repeat(64), { lacksPeers: true }));
    assert.deepEqual(await drone.ask(first), { how: "git" });
    assert.deepEqual(drone.told, []);
  });
});

describe("a zone with a relay", () => {
  const relay = { port: 40_100, relay: { host: "10.9.0.1", port: 6001, upstream: "localhost:1" } };
  const zone = { labels: { zone: "b" } };

  it("gets pieces through it: it carries, and its drones know it alone", async (t) => {
    const { hub, first } = await makeHub(t, large);
    await pair(hub, first);
    const carrier = await hub.drone("relay-b", { ...zone, swarm: relay });
    const near = await hub.drone("near", zone);
    const grant = grantOf(await near.ask(first));
    assert.deepEqual(
      grant.peers.map(({ name, role, host, port, zone }) => [name, role, host, port, zone]),
      [["relay-b", "relay", "10.9.0.1", 40_100, "b"]],
    );
    await until("the relay carries", () => carrier.carried.length === 1);
    const [carried] = carrier.carried;
    assert.deepEqual([carried?.repo, carried?.commit], ["webapp", first]);
    assert.equal(carried?.grant.holder, "relay-b");
    const sessionKey = carrier.conversation.peer?.sessionKey ?? "";
    assert.equal(
      nodeCrypto.decrypt(sessionKey, carried?.grant.secret ?? ""),
      secretOfHolder(nodeCrypto, hub.shelf.kept[0]?.secret ?? "", "relay-b"),
    );
    assert.ok(carried?.grant.peers.some(({ role }) => role === "hub"));
    const second = await hub.drone("near-2", zone);
    assert.deepEqual(names(grantOf(await second.ask(first))), ["near", "relay-b"]);
    assert.equal(carrier.carried.length, 1);
  });

  it("goes on without it when it goes", async (t) => {
    const { hub, first } = await makeHub(t, large);
    await pair(hub, first);
    const carrier = await hub.drone("relay-b", { ...zone, swarm: relay });
    const near = await hub.drone("near", zone);
    await near.ask(first);
    await until("the relay carries", () => carrier.carried.length === 1);
    carrier.leave();
    await until("others are introduced", () => near.told.length > 0);
    assert.ok(near.told[0]?.peers.some(({ role }) => role === "hub"));
  });
});

async function held(hub: SwarmHub): Promise<number> {
  const command = await hub.command();
  const { artifacts } = await command.call("hub.swarm", {});
  return artifacts.flatMap(({ shares }) => shares).filter(({ report }) => report.state === "used")
    .length;
}

function many<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}
