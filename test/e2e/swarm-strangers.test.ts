/** Who has no right to an artifact gets none of it: at the port of a drone, and at the hub's. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { nodeCrypto } from "@propagit/runtime";
import { encodeClaim, keyOfClaim, type Claim } from "@propagit/swarm";
import {
  Cluster,
  freePort,
  joinHub,
  secret,
  until,
  WorkTree,
  type Joined,
  type OpenGrant,
} from "@propagit/test-support";

const repo = "app";
const drones = ["a", "b", "c"];
/** So much that even one more drone is better off with a grant. */
const largeBytes = 24e6;

describe("an artifact", () => {
  let cluster: Cluster;
  let joined: Joined;
  let grant: OpenGrant;
  let ports: Readonly<Record<"a drone" | "the hub", number>>;

  before(async () => {
    cluster = await Cluster.create();
    const swarmPort = await freePort();
    ports = { "a drone": swarmPort, "the hub": cluster.ports.hub };
    await cluster.startHub({ ownRegistry: true });
    for (const name of drones) {
      const port = name === "a" ? [`--swarm-port=${swarmPort}`] : [];
      await cluster.startDrone(
        [],
        [`--name=${name}`, `--data=${join(cluster.folder, name)}`, ...port],
      );
    }
    const tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", "services:\n  idle: { command: sleep 1000, port: none }\n");
    await writeFile(join(tree.folder, "large.bin"), randomBytes(largeBytes));
    const commit = await tree.commit("large");
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/${repo}`, "master");
    const deployed = await cluster.propagit("deploy", repo, commit);
    assert.equal(deployed.exitCode, 0, deployed.stderr + cluster.output);
    const hub = { host: "localhost", port: cluster.ports.hub };
    joined = await joinHub({ hub, secret, name: "visitor", host: "127.0.0.1", port: 1 });
    grant = await joined.grantFor(repo, commit);
  });

  after(async () => {
    await cluster.destroy();
  });

  /** What the hub lets the visitor do at a place. */
  const ticket = (place: "a drone" | "the hub") => {
    const peer = grant.peers.find(({ name }) => name === (place === "the hub" ? "hub" : "a"));
    assert.ok(peer?.expiresAt !== undefined, `the grant is without ${place}`);
    const { artifact, holder } = grant;
    const claim: Claim = { artifact, holder, expiresAt: peer.expiresAt };
    return { claim, psk: peer.key };
  };
  const attempt = (place: "a drone" | "the hub", claim: Claim, psk: string) =>
    attemptAs(ports[place], encodeClaim(claim), psk);

  for (const place of ["a drone", "the hub"] as const) {
    it(`is shown by ${place} to whoever has a grant`, async () => {
      const { claim, psk } = ticket(place);
      assert.equal(await attempt(place, claim, psk), "let in");
    });

    it(`is not shown by ${place} to who has a wrong key`, async () => {
      const wrong = randomBytes(32).toString("hex");
      assert.notEqual(await attempt(place, ticket(place).claim, wrong), "let in");
    });

    it(`is not shown by ${place} to who makes his grant last longer, or uses another's`, async () => {
      const { claim, psk } = ticket(place);
      const forged: Claim[] = [
        { ...claim, expiresAt: claim.expiresAt + 1_000 },
        { ...claim, holder: "b" },
        { ...claim, holder: "hub" },
      ];
      for (const other of forged) {
        assert.notEqual(await attempt(place, other, psk), "let in");
        // What it knows itself makes no key for another place either.
        const made = keyOfClaim(nodeCrypto, grant.secret, other);
        assert.notEqual(await attempt(place, other, made), "let in");
      }
    });

    it(`is not shown by ${place} to who has a key for another place`, async () => {
      const { claim, psk } = ticket(place === "the hub" ? "a drone" : "the hub");
      assert.notEqual(await attempt(place, claim, psk), "let in");
    });

    it(`is not shown by ${place} to who comes when his grant has expired`, async () => {
      const expired = { ...ticket(place).claim, expiresAt: Date.now() - 1_000 };
      const psk = keyOfClaim(nodeCrypto, grant.secret, expired);
      assert.notEqual(await attempt(place, expired, psk), "let in");
    });

    it(`is not shown by ${place} to who speaks without TLS`, async () => {
      const socket = connectPlain(ports[place], "127.0.0.1");
      socket.on("error", () => undefined);
      socket.end(randomBytes(1_000));
      let answered = 0;
      socket.on("data", (bytes) => (answered += bytes.length));
      await once(socket, "close");
      assert.ok(answered < 1_000, `it was answered with ${answered} bytes`);
    });
  }

  it("is still given to who has a right to it after all that", async () => {
    await until("to be let in", async () => {
      const { claim, psk } = ticket("a drone");
      return (await attempt("a drone", claim, psk)) === "let in";
    });
    assert.doesNotMatch(cluster.output, /Unhandled|uncaught|TypeError/);
  });
});

/** @returns `let in` once the other side has said something, else why not */
function attemptAs(port: number, identity: string, psk: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      minVersion: "TLSv1.3",
      ciphers: "TLS_AES_128_GCM_SHA256",
      pskCallback: () => ({ psk: Buffer.from(psk, "hex"), identity }),
      checkServerIdentity: () => undefined,
    });
    const end = (outcome: string) => {
      resolve(outcome);
      socket.destroy();
    };
    socket.once("data", () => end("let in"));
    socket.once("error", (error) => end(error.message));
    socket.once("close", () => end("closed"));
    socket.setTimeout(10_000, () => end("silence"));
  });
}
