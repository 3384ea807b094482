import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PropagitError, type SwarmPeer } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import { proofOfHolder } from "@propagit/swarm";
import {
  openSwarmBench,
  hiddenBytes,
  type Member,
  type SwarmBench,
} from "../support/swarm-bench.js";
import { packOf } from "../support/packs.js";
import { until } from "../support/until.js";

const never = new AbortController().signal;
const noGit = () => Promise.reject(new Error("git was asked"));

/** Text that does not shrink: one megabyte of it makes an artifact of about as much. */
function noise(bytes: number): string {
  return randomBytes(Math.ceil(bytes / 2)).toString("hex");
}

async function large({ place }: SwarmBench, megabytes = 2): Promise<string> {
  for (let index = 0; index < 8; index++) {
    await writeFile(join(place.work, `noise-${index}`), randomBytes((megabytes * 2 ** 20) / 8));
  }
  return place.commit({ text: "large" });
}

async function bring({ place }: SwarmBench, { commits }: Member, sha: string): Promise<string> {
  await commits.fetch(place.name(sha), noGit, never);
  const { folder } = await commits.checkOut(place.name(sha), never);
  return readFile(join(folder, "text"), "utf8");
}

async function artifactsOf({ folder }: Member): Promise<string[]> {
  return (await readdir(join(folder, "swarm"))).filter((name) => !name.startsWith("."));
}

// Most of the time they wait for lines that are kept slow.
describe("a drone in the swarm", { concurrency: 4 }, () => {
  it("gets a commit from the hub in pieces, tells how far it is, and goes on serving", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const made = await bench.artifact(one);
    const member = await bench.member("web-1");

    assert.equal(await bring(bench, member, one), "large");

    const report = await until("it is used", () => {
      const last = member.last(made.artifact);
      return last?.state === "used" && last;
    });
    assert.deepEqual(
      [report.pieces, report.receivedBytes, report.wastedBytes],
      [report.piecesAll, made.bytes, 0],
    );
    assert.deepEqual(
      report.lines?.map(({ peer }) => peer),
      ["hub"],
    );
    assert.match(
      member.log.join("\n"),
      /^webapp \w{7}: \d+ pieces, 2\.0 MiB, whole after \d\.\d\d s \(2\.0 MiB from the hub\)\nwebapp \w{7}: taken in by git after \d+\.\d\d s$/,
    );
    assert.deepEqual(await artifactsOf(member), [made.artifact]);
    assert.deepEqual(bench.hub.asked, [{ repo: "webapp", commit: one, have: [] }]);
  });

  it("gets the next commit from another drone while the hub's pieces are out of reach", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const two = await bench.place.commit({ text: "two", more: noise(100_000) });
    await bench.artifact(one);
    const thin = await bench.artifact(two, one);
    const [first, second] = [await bench.member("web-1"), await bench.member("web-2")];
    await bring(bench, first, one);
    await bring(bench, second, one);
    assert.equal(await bring(bench, first, two), "two");
    await bench.hub.swarm.stop();
    bench.hub.peers = [first.peer];

    assert.equal(await bring(bench, second, two), "two");

    assert.ok(thin.bytes < 200_000, `${thin.bytes} bytes`);
    const report = await until("reported", () => {
      const last = second.last(thin.artifact);
      return last?.state === "used" && last;
    });
    assert.deepEqual(
      report.lines?.map(({ peer }) => peer),
      ["web-1"],
    );
    assert.deepEqual(bench.hub.asked.at(-1)?.have, [one]);
  });

  it("takes a small pack out of the answer", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await bench.place.commit({ text: "small" });
    const pack = hiddenBytes(await packOf(bench.place.hub, one));
    bench.hub.answers.set(one, () => ({ how: "inline", commit: one, pack }));
    const member = await bench.member("web-1");
    assert.equal(await bring(bench, member, one), "small");
    assert.deepEqual([await artifactsOf(member), member.reports], [[], []]);
  });

  it("asks a hub again that was lost before it answered, instead of fetching with git", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const made = await bench.artifact(one);
    const member = await bench.member("web-1");
    bench.hub.answers.set(one, () => {
      if (bench.hub.asked.length === 1) throw new PropagitError("LINK_LOST", "closed (1006)");
      return bench.hub.swarmAnswer(made, "web-1");
    });
    assert.equal(await bring(bench, member, one), "large");
    assert.equal(bench.hub.asked.length, 2);
  });

  it("fetches with git when the hub is lost each time that it is asked", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await bench.place.commit({ text: "one" });
    const member = await bench.member("web-1");
    bench.hub.answers.set(one, () => {
      throw new PropagitError("LINK_LOST", "closed (1006)");
    });
    const { commits } = member;
    await commits.fetch(bench.place.name(one), bench.place.source, never);
    assert.equal(bench.hub.asked.length, 3);
    assert.match(member.log.join(), /is fetched with git: closed \(1006\)/);
  });

  it("fetches with git when the hub says so, and says why when the hub does", async (t) => {
    const bench = await openSwarmBench(t);
    const { place } = bench;
    const one = await place.commit({ text: "one" });
    const member = await bench.member("web-1");
    bench.hub.answers.set(one, () => ({ how: "git", reason: "its history is shallow" }));
    await member.commits.fetch(place.name(one), place.source, never);
    assert.match(member.log.join(), /^webapp \w{7}: fetched with git: its history is shallow$/);
  });

  it("reports a pack that is right piece by piece and no git, forgets it, and fetches with git", async (t) => {
    const bench = await openSwarmBench(t);
    const { place } = bench;
    const one = await place.commit({ text: "one" });
    const made = await bench.hub.offer({ commit: one, pack: randomBytes(300_000) });
    const member = await bench.member("web-1");

    await member.commits.fetch(place.name(one), place.source, never);

    const failed = member.reports.find(({ state }) => state === "failed");
    assert.match(failed?.reason ?? "", /^the pack for \w{7} is of no use: git index-pack failed: /);
    await until("it is gone", async () => (await artifactsOf(member)).length === 0);
    assert.equal(member.last(made.artifact)?.state, "gone");
  });

  it("gives the swarm up when it cannot be, and names both ways when git fails too", async (t) => {
    const bench = await openSwarmBench(t);
    const { place } = bench;
    const one = await place.commit({ text: "one" });
    const member = await bench.member("web-1");
    const away = () => Promise.reject(new Error("git fetch failed: no route"));
    bench.hub.isAway = true;
    await assert.rejects(member.commits.fetch(place.name(one), away, never), {
      message:
        "git fetch failed: no route; before that, not from other drones: no hub at 127.0.0.1:1",
    });
    bench.hub.isAway = false;
    const made = await bench.artifact(one);
    bench.hub.answers.set(one, () =>
      bench.hub.swarmAnswer(made, "web-1", { secret: "0".repeat(100) }),
    );
    await member.commits.fetch(place.name(one), place.source, never);
    assert.match(
      member.log.join(),
      /fetched with git: the hub's answer was hidden under another key/,
    );
  });

  it("ends its part when nobody waits any more, and goes on from what is on disk", async (t) => {
    const bench = await openSwarmBench(t, { hubLimit: 400_000 });
    const one = await large(bench, 1);
    const made = await bench.artifact(one);
    const member = await bench.member("web-1");
    const stop = new AbortController();
    const fetching = member.commits.fetch(bench.place.name(one), noGit, stop.signal);
    await until("some pieces", () => (member.last(made.artifact)?.pieces ?? 0) > 2);
    stop.abort(new Error("not wanted any more"));
    await assert.rejects(fetching, /not wanted any more/);
    await until("ended", () => member.last(made.artifact)?.state === "gone");
    assert.equal(await bring(bench, member, one), "large");
    const again = member.last(made.artifact);
    assert.ok((again?.receivedBytes ?? 0) < made.bytes, `${again?.receivedBytes} of ${made.bytes}`);
  });

  it("goes on with the peers of an earlier life while the hub is away", async (t) => {
    const bench = await openSwarmBench(t, { hubLimit: 400_000 });
    const one = await large(bench, 1);
    const made = await bench.artifact(one);
    const other = await bench.member("web-2");
    await bring(bench, other, one);
    bench.hub.peers = [other.peer];
    // The other one is out of reach at first: this one knows it, and is cut off half way.
    const slow = await bench.member("web-1");
    const hear = (peer: SwarmPeer) =>
      slow.part.tellingHandlers?.["drone.peers"]?.(
        { artifact: made.artifact, peers: [peer] },
        undefined as never,
      );
    const stop = new AbortController();
    bench.hub.peers = [];
    const fetching = slow.commits.fetch(bench.place.name(one), noGit, stop.signal);
    await until("some pieces", () => (slow.last(made.artifact)?.pieces ?? 0) > 2);
    hear({ ...other.peer, port: 1 });
    stop.abort(new Error("killed"));
    await fetching.catch(() => undefined);
    hear(other.peer);
    const grant = join(slow.folder, "swarm", made.artifact, "grant");
    await until("the other one is known on disk", async () =>
      (await readFile(grant, "utf8")).includes(`"port":${other.peer.port}`),
    );
    await slow.stop();
    await bench.hub.die();

    const next = await bench.member("web-1", { folder: slow.folder });
    assert.equal(await bring(bench, next, one), "large");

    assert.match(next.log.join("\n"), /^webapp \w{7}: going on with peers of before: no hub at /);
    const text = await readFile(join(next.folder, "swarm", made.artifact, "grant"), "utf8");
    assert.ok(!text.includes(made.secret), "the secret is hidden on disk");
  });

  it("offers again what an earlier life left, once it was hashed", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const made = await bench.artifact(one);
    const first = await bench.member("web-1");
    await bring(bench, first, one);
    await first.stop();
    const next = await bench.member("web-1", { folder: first.folder });
    await until("it is offered", () => next.last(made.artifact)?.state === "used");
    // By then the hub may not remember it.
    assert.equal(next.last(made.artifact)?.proof, proofOfHolder(nodeCrypto, made.secret));
    await bench.hub.swarm.stop();
    bench.hub.peers = [next.peer];
    assert.equal(await bring(bench, await bench.member("web-2"), one), "large");
  });

  it("keeps an artifact while the hub keeps its commit, and removes it with the commit", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const made = await bench.artifact(one);
    const member = await bench.member("web-1");
    await bring(bench, member, one);
    const stray = "0".repeat(64);
    await mkdir(join(member.folder, "swarm", stray));
    await writeFile(join(member.folder, "swarm", stray, "pack"), "of nobody");

    member.part.keeps?.([bench.place.name(one)]);
    await until("what nobody knows is removed", async () => {
      return !(await artifactsOf(member)).includes(stray);
    });
    assert.deepEqual(await artifactsOf(member), [made.artifact]);

    member.part.keeps?.([]);
    await until("it is removed", async () => (await artifactsOf(member)).length === 0);
    assert.equal(member.last(made.artifact)?.state, "gone");
  });

  it("carries an artifact for others without git", async (t) => {
    const bench = await openSwarmBench(t);
    const one = await large(bench);
    const made = await bench.artifact(one);
    const relay = await bench.member("relay-b");
    const grant = bench.hub.grant(made, "relay-b");
    const call = { conversation: { peer: { sessionKey: "5".repeat(64) } } };
    await relay.part.handlers["drone.carry"]?.(
      { repo: "webapp", commit: one, grant },
      call as never,
    );
    await until("it is carried", () => relay.last(made.artifact)?.state === "used");
    relay.part.keeps?.([]);
    await bench.hub.swarm.stop();
    bench.hub.peers = [relay.peer];
    assert.equal(await bring(bench, await bench.member("web-1"), one), "large");
    assert.deepEqual(await readdir(join(relay.folder, "repos")).catch(() => []), []);
  });
});
