/** The daemon on real sockets and real folders. */
import assert from "node:assert/strict";
import { connect as connectSocket, createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { chmodSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { mintToken, openCredential, PropagitError } from "@propagit/protocol";
import {
  dial,
  hangUp,
  nodeCrypto,
  nodeWorld,
  sessionPaths,
  silentLog,
  stretchSecret,
  webSocketNetwork,
} from "@propagit/runtime";
import { commitA, hasCode } from "../support/samples.js";
import { eventually, Workshop } from "../support/serving.js";

const workshop = new Workshop();

const accepts = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connectSocket({ host, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

const outsideAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

describe("a served registry", () => {
  afterEach(() => workshop.clear());

  it("without a secret listens on loopback only, both of them", async () => {
    const { address } = await workshop.serve();
    assert.equal(await accepts("127.0.0.1", address.port), true);
    if (hasIPv6) assert.equal(await accepts("::1", address.port), true);
    if (outsideAddress !== undefined) {
      assert.equal(await accepts(outsideAddress, address.port), false);
    }
  });

  it("without a secret listens elsewhere when it is told to, and says loudly what that means", async () => {
    const warnings: string[] = [];
    const log = { info: () => undefined, warn: (text: string) => warnings.push(text) };
    await workshop.serve({ host: "0.0.0.0", log });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /no secret: everybody who can reach 0\.0\.0\.0/);
  });

  it("with a secret listens everywhere", async () => {
    const { address } = await workshop.serve({ secret: "beepboop" });
    assert.equal(await accepts("127.0.0.1", address.port), true);
    if (outsideAddress !== undefined) {
      assert.equal(await accepts(outsideAddress, address.port), true);
    }
  });

  it("takes no empty secret for a secret", async () => {
    await assert.rejects(workshop.serve({ secret: "" }), hasCode("BAD_USAGE"));
  });

  it("is found over IPv6 and by name", { skip: !hasIPv6 }, async () => {
    const { address } = await workshop.serve();
    for (const host of ["::1", "127.0.0.1", "localhost"]) {
      const client = workshop.connect({ host, port: address.port });
      await client.register(`at-${host.replaceAll(":", "-").replace(/^-+/, "")}`);
    }
    const client = workshop.connect(`[::1]:${address.port}`);
    const { endpoints } = await client.query();
    assert.deepEqual([...new Set(endpoints.map(({ host }) => host))], ["127.0.0.1"]);
  });

  it("says that its port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve());
    });
    workshop.later(() => other.close());
    const { port } = other.address() as AddressInfo;
    const refused = await workshop.serve({ port }).catch((thrown: unknown) => thrown);
    assert.ok(refused instanceof PropagitError);
    assert.equal(refused.code, "PORT_IN_USE");
    assert.match(refused.message, new RegExp(`port ${port} `));
  });

  it("says that its address is not this machine's", async () => {
    await assert.rejects(workshop.serve({ host: "192.0.2.1" }), hasCode("BAD_USAGE"));
  });

  it("shares its data folder with nobody", async () => {
    const dataFolder = workshop.folder();
    const first = await workshop.serve({ dataFolder });
    await assert.rejects(workshop.serve({ dataFolder }), hasCode("DATA_IN_USE"));
    await first.stop();
    await workshop.serve({ dataFolder });
  });

  it("says that its data folder cannot be written", async (test) => {
    if (process.getuid?.() === 0) return test.skip("root may write everywhere");
    const dataFolder = workshop.folder();
    chmodSync(dataFolder, 0o500);
    await assert.rejects(workshop.serve({ dataFolder }), hasCode("DATA_UNUSABLE"));
  });

  it("says that a file is no data folder", async () => {
    await assert.rejects(
      workshop.serve({ dataFolder: "/dev/null/registry" }),
      hasCode("DATA_UNUSABLE"),
    );
  });

  it("with a secret serves those who know it and no others", async () => {
    const { address } = await workshop.serve({ secret: "beepboop" });
    const friend = workshop.connect(address, { secret: "beepboop" });
    await friend.register("say");
    for (const options of [{}, { secret: "wrong" }]) {
      const stranger = workshop.connect(address, options);
      await assert.rejects(stranger.register("evil"), hasCode("DENIED"));
      await assert.rejects(stranger.query(), hasCode("DENIED"));
    }
    assert.equal((await friend.query()).endpoints.length, 1);
  });

  it("gives an instance with a token what it needs", async () => {
    const { address } = await workshop.serve({ secret: "beepboop" });
    const scope = { repo: "webapp", commit: commitA, drone: "d", process: "p1" };
    const token = mintToken(nodeCrypto, stretchSecret("beepboop"), scope);
    const instance = workshop.connect(address, { token });
    const registered = await instance.registerEndpoint("http@1.0.0");
    assert.equal(registered.commit, commitA);
    assert.equal(registered.meta["process"], "p1");
    const [found] = await instance.get({ service: "http", commit: commitA });
    assert.deepEqual(found, registered);
    assert.throws(() => workshop.connect(address, { token: "nonsense" }), hasCode("DENIED"));
  });

  it("lives on after garbage, and closes its connection", async () => {
    const { address } = await workshop.serve();
    const garbage = ["", "{", "null", '{"kind":"hello"}', "x".repeat(100_000)];
    for (const frame of garbage) {
      const wire = await webSocketNetwork.connect(address, sessionPaths.registry, 5_000);
      let isClosed = false;
      wire.listen({ message: () => undefined, closed: () => (isClosed = true) });
      wire.send(frame);
      await eventually("the end of the connection", () => isClosed);
    }
    const client = workshop.connect(address);
    assert.equal(await client.register("say", { port: 1 }), 1);
  });

  it("answers a command that connects once", async () => {
    const { address } = await workshop.serve();
    const conversation = await dial(nodeWorld(silentLog), {
      address,
      path: sessionPaths.registry,
      role: "cli",
      credential: openCredential,
      acceptsOpen: true,
    });
    assert.deepEqual((await conversation.call("registry.query", {})).endpoints, []);
    await hangUp(conversation);
  });
});

describe("a client of a real registry", () => {
  afterEach(() => workshop.clear());

  it("gets a port that is free on this machine, within its range", async () => {
    const { address } = await workshop.serve();
    const client = workshop.connect(address);
    const portRange = { low: 20_000, high: 20_200 };
    const port = await client.register("say", { portRange });
    assert.ok(port >= 20_000 && port <= 20_200);
    assert.equal(await accepts("127.0.0.1", port), false);
  });

  it("is told when no port of its range is free", async () => {
    const { address } = await workshop.serve();
    const { port } = address;
    const client = workshop.connect(address);
    const nothing = client.register("say", { portRange: { low: port, high: port } });
    await assert.rejects(nothing, hasCode("NO_FREE_PORT"));
  });

  it("may be started before the registry, and meets every one that comes after it", async () => {
    const first = await workshop.serve();
    const { port } = first.address;
    await first.stop();
    const client = workshop.connect(first.address);
    const registered = client.register("say");
    await assert.rejects(client.query(), hasCode("UNREACHABLE"));
    const second = await workshop.serve({ port });
    const servicePort = await registered;
    await second.stop();
    await workshop.serve({ port });
    const other = workshop.connect(first.address);
    const [found] = await other.get("say");
    assert.equal(found?.port, servicePort);
  });
});
