/** Whole nodes on real sockets and disks: in this process, and in processes of their own. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { sharePort } from "../../src/index.js";
import { noMount, temporaryFolder, temporaryMount } from "../support/folders.js";
import { admissionOf, Participant, peerAt, realArtifact, takePart } from "../support/real-swarm.js";

describe("a swarm", () => {
  const sizes = { "1 byte": 1, "exactly one piece": 32_768, "one piece and a byte": 32_769 };
  for (const [what, size] of Object.entries({ ...sizes, "64 MB": 64 * 2 ** 20 })) {
    it(`brings an artifact of ${what} from the hub to a drone`, async (test) => {
      const folder = await temporaryFolder(test);
      const artifact = await realArtifact(folder, size);
      const hub = await takePart(test, "hub", join(folder, "hub"));
      const drone = await takePart(test, "web-1", join(folder, "web-1"));
      await hub.swarm.offer(artifact.offer);
      const share = drone.swarm.take(admissionOf(artifact, "web-1", [peerAt("hub", hub.port)]));
      await share.whole;
      assert.ok((await readFile(await share.path)).equals(artifact.bytes));
      assert.equal(share.report.receivedBytes, size);
      assert.equal(share.report.wastedBytes, 0);
    });
  }

  it("brings it to four drones that swap pieces, of which one knows no hub and one cannot be dialled", async (test) => {
    const folder = await temporaryFolder(test);
    const artifact = await realArtifact(folder, 16 * 2 ** 20);
    const hub = await takePart(test, "hub", join(folder, "hub"));
    await hub.swarm.offer(artifact.offer);
    const names = ["a", "b", "c", "d"];
    const drones = await Promise.all(
      names.map((name) =>
        takePart(test, name, join(folder, name), name === "d" ? { listen: undefined } : {}),
      ),
    );
    const known = [
      peerAt("hub", hub.port),
      ...drones.slice(0, 3).map((it, at) => peerAt(names[at] ?? "", it.port)),
    ];
    const shares = drones.map(({ swarm }, index) => {
      const own = names[index] ?? "";
      const peers = known.filter(({ name }) => name !== own && (own !== "c" || name !== "hub"));
      return swarm.take(admissionOf(artifact, own, peers));
    });
    await Promise.all(shares.map((share) => share.whole));
    for (const share of shares) {
      assert.ok((await readFile(await share.path)).equals(artifact.bytes));
      assert.deepEqual(share.report.banned ?? [], []);
    }
    const [, , third] = shares;
    assert.ok(!third?.report.lines?.some(({ peer }) => peer === "hub"), "one knew no hub");
  });

  it("comes through the port that a hub has for HTTP", async (test) => {
    const folder = await temporaryFolder(test);
    const artifact = await realArtifact(folder, 3_000_000);
    const hub = await takePart(test, "hub", join(folder, "hub"), { listen: undefined });
    await hub.swarm.offer(artifact.offer);
    const server = createServer((_, answer) => answer.end("http"));
    const shared = sharePort(server, (socket) => hub.accept(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => {
      shared.close();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const drone = await takePart(test, "web-1", join(folder, "web-1"));
    const share = drone.swarm.take(admissionOf(artifact, "web-1", [peerAt("hub", port)]));
    await share.whole;
    assert.ok((await readFile(await share.path)).equals(artifact.bytes));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "http");
  });

  it("goes on where a killed process was, and fetches nothing again that it had", async (test) => {
    const folder = await temporaryFolder(test);
    const artifact = await realArtifact(folder, 24 * 2 ** 20);
    const hub = await takePart(test, "hub", join(folder, "hub"));
    await hub.swarm.offer(artifact.offer);
    const options = { name: "web-1", folder: join(folder, "web-1") };
    const admission = admissionOf(artifact, "web-1", [peerAt("hub", hub.port)]);
    const slow = { ...options, receiveBytesPerSecondMax: 8 * 2 ** 20 };
    const first = await Participant.start(test, slow);
    first.tell({ kind: "take", admission });
    let had = 0;
    while (had < 150) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      had = (await first.report())?.pieces ?? 0;
    }
    await first.kill();
    const second = await Participant.start(test, options);
    second.tell({ kind: "take", admission });
    await second.answer("whole");
    const report = await second.report();
    const missing = artifact.bytes.length - had * artifact.pieceBytes;
    assert.ok(report && had < 512, "it was killed on the way");
    assert.ok(
      report.receivedBytes <= missing,
      `${report.receivedBytes} bytes of ${missing} missing`,
    );
    const path = join(options.folder, admission.artifact, "pack");
    assert.ok((await readFile(path)).equals(artifact.bytes));
  });

  it("ends with the reason where the disk has no room for it", { skip: noMount }, async (test) => {
    const folder = await temporaryFolder(test);
    const mount = await temporaryMount(test, "size=8m,mode=700");
    const artifact = await realArtifact(folder, 16 * 2 ** 20);
    const hub = await takePart(test, "hub", join(folder, "hub"));
    await hub.swarm.offer(artifact.offer);
    const drone = await takePart(test, "web-1", join(mount.folder, "web-1"));
    const share = drone.swarm.take(admissionOf(artifact, "web-1", [peerAt("hub", hub.port)]));
    await assert.rejects(
      share.whole,
      unusable(/needs 16 MiB more, and [78]\.\d MiB of disk are free/),
    );
    await assert.rejects(share.path, unusable(/needs 16 MiB/));
    assert.equal(share.report.state, "failed");
  });

  it(
    "ends with the reason when the disk fills up on the way, and works when there is room",
    { skip: noMount },
    async (test) => {
      const folder = await temporaryFolder(test);
      const mount = await temporaryMount(test, "size=24m,mode=700");
      const artifact = await realArtifact(folder, 16 * 2 ** 20);
      const hub = await takePart(test, "hub", join(folder, "hub"));
      await hub.swarm.offer(artifact.offer);
      const drone = await takePart(test, "web-1", join(mount.folder, "web-1"));
      const admission = admissionOf(artifact, "web-1", [peerAt("hub", hub.port)]);
      const share = drone.swarm.take({ ...admission, peers: [] });
      await share.path;
      await writeFile(join(mount.folder, "filler"), Buffer.alloc(16 * 2 ** 20, 1));
      share.introduce(admission.peers);
      await assert.rejects(share.whole, unusable(/disk is full \(ENOSPC\); 0 B of disk are free/));
      await writeFile(join(mount.folder, "filler"), "");
      await drone.swarm.take(admission).whole;
    },
  );
});

function unusable(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PropagitError, String(error));
    assert.equal(error.code, "DATA_UNUSABLE", error.message);
    assert.match(error.message, message);
    return true;
  };
}
