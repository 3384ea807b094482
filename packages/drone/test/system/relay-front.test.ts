/** The port of a relay, on real sockets: what is for the hub goes on as it is, what breaks off breaks off. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  request,
  type IncomingMessage,
  type ServerResponse,
  type RequestListener,
  type RequestOptions,
} from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { PropagitError, type Address } from "@propagit/protocol";
import { sessionPaths, webSocketNetwork } from "@propagit/runtime";
import type { Onward } from "../../src/relay.js";
import { listenAsRelay } from "../../src/system/relay-front.js";
import { until } from "../support/until.js";

/** A hub of any kind behind a relay's front. */
async function behind(test: TestContext, handler: RequestListener) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { server, front: await front(test, { kind: "up", address: { host: "127.0.0.1", port } }) };
}

async function front(test: TestContext, onward: Onward): Promise<Address> {
  const relay = await listenAsRelay(0);
  relay.open({ onward, accept: (wire) => Promise.resolve(wire.close()) });
  test.after(() => relay.close());
  return { host: "127.0.0.1", port: relay.port };
}

async function ask(to: Address, options: RequestOptions = {}, body = "") {
  const asked = request({ ...to, agent: false, ...options });
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await textOf(answer) };
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe("the front of a relay", () => {
  it("passes on method, path, headers and body, and the answer with its status", async (test) => {
    let heard: IncomingMessage | undefined;
    const answerTo = async (req: IncomingMessage, res: ServerResponse) => {
      const body = await textOf(req);
      res.writeHead(418, { "x-one": "1", "set-cookie": ["a=1", "b=2"] });
      res.end(`got ${body}`);
    };
    const { front } = await behind(test, (req, res) => {
      heard = req;
      void answerTo(req, res);
    });
    const headers = { authorization: "Basic abc", connection: "close, x-hop", "x-hop": "1" };
    const options = { method: "PUT", path: "/webapp/info/refs?service=x", headers };
    const answer = await ask(front, options, "body");
    assert.deepEqual([answer.status, answer.body], [418, "got body"]);
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
    assert.deepEqual([heard?.method, heard?.url], ["PUT", "/webapp/info/refs?service=x"]);
    assert.equal(heard?.headers.authorization, "Basic abc");
    assert.equal(heard?.headers["x-hop"], undefined);
  });

  it("passes on what comes while both sides are still talking", async (test) => {
    const { front } = await behind(test, (req, res) => void req.pipe(res));
    const asked = request({ ...front, method: "POST", agent: false });
    asked.write("one");
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    const [first] = (await once(answer, "data")) as [Buffer];
    assert.equal(first.toString(), "one");
    asked.end("two");
    assert.equal(await textOf(answer), "two");
  });

  it("answers a client that waits to be told to go on", async (test) => {
    const { front } = await behind(test, (req, res) => void req.pipe(res));
    const headers = { expect: "100-continue", "content-length": 4 };
    const asked = request({ ...front, method: "POST", agent: false, headers });
    asked.flushHeaders();
    await once(asked, "continue");
    asked.end("body");
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    assert.equal(await textOf(answer), "body");
  });

  it("ends the request to the hub when the client goes away", async (test) => {
    let isGone = false;
    const { front } = await behind(test, (req, res) => {
      res.write("begins");
      req.on("close", () => undefined);
      res.on("close", () => (isGone = true));
    });
    const asked = request({ ...front, agent: false });
    asked.on("error", () => undefined);
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.on("error", () => undefined);
    asked.destroy();
    await until("the hub hears of it", () => isGone);
  });

  it("breaks an answer off that the hub breaks off", async (test) => {
    const { front, server } = await behind(test, (_, res) => {
      res.writeHead(200, { "content-length": 100 });
      res.write("half");
    });
    const asked = request({ ...front, agent: false });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    await once(answer, "data");
    server.closeAllConnections();
    await assert.rejects(textOf(answer));
  });

  it("takes no more of an answer than the client does", async (test) => {
    let written = 0;
    const { front } = await behind(test, (_, res) => {
      const chunk = Buffer.alloc(64 * 1024);
      const write = () => {
        while (res.write(chunk)) written += chunk.length;
        res.once("drain", write);
      };
      write();
    });
    const asked = request({ ...front, agent: false });
    asked.on("error", () => undefined);
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.on("error", () => undefined);
    let before = -1;
    await until("nothing more is taken", () => {
      const isSame = written === before;
      before = written;
      return isSame;
    });
    assert.ok(written < 40_000_000, `${written} bytes were taken for a client that reads nothing`);
    asked.destroy();
  });

  it("says that the hub is away, and why", async (test) => {
    const error = new PropagitError("UNREACHABLE", "relay b has no connection to the hub: gone");
    const answer = await ask(await front(test, { kind: "away", error }), { method: "POST" }, "x");
    assert.equal(answer.status, 502);
    assert.equal(
      answer.body,
      "relay b has no connection to the hub: gone\ncheck that it runs and that this is its address\n",
    );
  });

  it("says that nobody answers at the hub's address", async (test) => {
    const address = { host: "127.0.0.1", port: 1 };
    const answer = await ask(await front(test, { kind: "up", address }));
    assert.equal(answer.status, 502);
    assert.match(answer.body, /^this relay could not reach the hub at 127.0.0.1:1: .*ECONNREFUSED/);
  });

  it("takes wires at the paths of a hub only", async (test) => {
    const address = await front(test, { kind: "up", address: { host: "127.0.0.1", port: 1 } });
    for (const path of Object.values(sessionPaths)) {
      const wire = await webSocketNetwork.connect(address, `${path}?relays=aa`, 5_000);
      wire.close();
    }
    await assert.rejects(webSocketNetwork.connect(address, "/elsewhere", 5_000), {
      code: "UNREACHABLE",
    });
  });
});
