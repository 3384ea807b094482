import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Grant } from "@propagit/protocol";
import {
  credentialFromSecret,
  Link,
  nodeCrypto,
  nodeWorld,
  sessionPaths,
  silentLog,
} from "@propagit/runtime";
import { openSwarm, type Share } from "@propagit/swarm";
import { makeBench, secret, until, type Bench } from "../support/real-hub.js";

const large = 9 * 1024 * 1024;

async function push(bench: Bench): Promise<string> {
  const commit = await bench.commit("work", randomBytes(large).toString("base64"));
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  return commit;
}

/** A drone that takes part as the real one does, and no more. */
async function makeDrone(t: TestContext, bench: Bench, name: string) {
  const world = nodeWorld(silentLog);
  const link = new Link(world, {
    address: { host: "localhost", port: bench.hub.port },
    path: sessionPaths.hub,
    role: "drone",
    credential: credentialFromSecret(secret),
    acceptsOpen: false,
    introduce: async (conversation) => {
      await conversation.call("hub.join", {
        identity: Buffer.from(name.padEnd(16, "-")).toString("hex").slice(0, 32),
        name,
        labels: {},
        host: "127.0.0.1",
        version: "1.0.0",
        instances: [],
        swarm: { port: opened.port ?? 0 },
      });
    },
    tellingHandlers: {
      "drone.assign": () => undefined,
      "drone.peers": ({ artifact, peers }) => opened.swarm.share(artifact)?.introduce(reach(peers)),
    },
  });
  const opened = await openSwarm({
    folder: join(bench.folder, name),
    world,
    name: () => name,
    role: "drone",
    zone: undefined,
    listen: { port: 0 },
    changed: (report) => link.tell("hub.share", report),
  });
  t.after(async () => {
    link.stop();
    await opened.stop();
  });
  const conversation = await link.up(10_000);
  const show = (hidden: string) =>
    nodeCrypto.decrypt(conversation.peer?.sessionKey ?? "", hidden) ?? assert.fail();
  const reach = (peers: Grant["peers"]) =>
    peers.map((peer) => ({
      ...peer,
      key: show(peer.key ?? ""),
      ...(peer.host === "*" && { host: "localhost", port: bench.hub.port }),
    }));
  return {
    ask: (commit: string) =>
      conversation.call("hub.artifact", { repo: "webapp", commit, have: [] }, { limitMs: 60_000 }),
    take: (grant: Grant): Share => {
      const { artifact, bytes, holder, expiresAt, now, hubKey, peers } = grant;
      return opened.swarm.take({
        artifact,
        bytes,
        secret: show(grant.secret),
        holder,
        expiresAt,
        hubNow: now,
        hubKey,
        peers: reach(peers),
      });
    },
  };
}

test("drones get the same pack from the hub's port and from each other", async (t) => {
  const bench = await makeBench(t);
  const commit = await push(bench);
  const names = ["one", "two", "three", "four", "five"];
  const drones = await Promise.all(names.map((name) => makeDrone(t, bench, name)));
  const answers = await Promise.all(drones.map((drone) => drone.ask(commit)));
  const packs = await Promise.all(
    answers.map(async (first, at) => {
      const drone = drones[at] ?? assert.fail();
      // Whoever asked first perhaps was the only one yet.
      const answer = first.how === "git" ? await drone.ask(commit) : first;
      assert.ok(answer.how === "swarm", JSON.stringify(answer));
      const share = drone.take(answer.grant);
      await share.whole;
      const bytes = await readFile(await share.path);
      return createHash("sha256").update(bytes).digest("hex");
    }),
  );
  assert.equal(new Set(packs).size, 1);
  const command = await bench.connect();
  const seen = async () => (await command.call("hub.swarm", {})).artifacts[0];
  await until(
    "the hub knows that all have it",
    async () => (await seen())?.shares.every(({ report }) => report.state === "whole") ?? false,
  );
  const view = await seen();
  assert.deepEqual(view?.shares.map(({ drone }) => drone).toSorted(), names.toSorted());
  const sent = (view?.hubSentBytes ?? 0) / (view?.bytes ?? 1);
  assert.ok(sent >= 1 && sent < 2.5, `the hub sent it ${sent.toFixed(2)} times`);
  t.diagnostic(`the hub sent the pack ${sent.toFixed(2)} times to 5 drones`);
});

test("who shows no good claim, or no TLS after all, does not hold up the hub", async (t) => {
  const bench = await makeBench(t);
  const socket = connect(bench.hub.port, "localhost");
  socket.on("error", () => undefined);
  socket.write("\x16\x03\x01", "latin1");
  const silent = connect(bench.hub.port, "localhost");
  silent.on("error", () => undefined);
  const command = await bench.connect();
  assert.deepEqual((await command.call("hub.swarm", {})).artifacts, []);
  await bench.restart();
  socket.destroy();
  silent.destroy();
  const again = await bench.connect();
  assert.deepEqual((await again.call("hub.swarm", {})).artifacts, []);
});
