import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { readFirstBytes } from "../../src/core/client-hello.js";

/** What Node's own client sends first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", ...options });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describe("the first bytes of a connection", () => {
  let hello: Buffer;
  before(async () => {
    hello = await helloOf({
      servername: "Shop.Example.com.",
      ALPNProtocols: ["h2", "http/1.1"],
    });
  });

  it("tell host name and protocols of a client hello", () => {
    assert.deepEqual(readFirstBytes(hello), {
      kind: "hello",
      serverName: "shop.example.com",
      protocols: ["h2", "http/1.1"],
    });
  });

  it("tell that a client names neither", async () => {
    const bytes = await helloOf({ maxVersion: "TLSv1.2" });
    assert.deepEqual(readFirstBytes(bytes), {
      kind: "hello",
      serverName: undefined,
      protocols: [],
    });
  });

  it("are the same however the hello is cut into segments", () => {
    for (let size = 0; size < hello.length; size += 1) {
      assert.deepEqual(readFirstBytes(hello.subarray(0, size)), { kind: "more" }, String(size));
    }
  });

  it("are the same however the hello is cut into records", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: hello.length - 6 }), (at) => {
        const body = hello.subarray(5);
        const record = (part: Buffer) =>
          Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]);
        const cut = Buffer.concat([record(body.subarray(0, at)), record(body.subarray(at))]);
        assert.deepEqual(readFirstBytes(cut), readFirstBytes(hello));
      }),
    );
  });

  it("say when somebody speaks plain HTTP", () => {
    assert.deepEqual(readFirstBytes(Buffer.from("GET / HTTP/1.1\r\n")), { kind: "http" });
    assert.deepEqual(readFirstBytes(Buffer.from("P")), { kind: "http" });
  });

  it("say why they are nothing that is known", () => {
    const reasonOf = (...bytes: number[]) => {
      const first = readFirstBytes(Uint8Array.from(bytes));
      return first.kind === "foreign" ? first.reason : first.kind;
    };
    assert.equal(reasonOf(0), "it does not begin as TLS does");
    assert.equal(reasonOf(22, 2), "it is not of TLS 1");
    assert.equal(reasonOf(22, 3, 1, 0, 0), "a record has no size that can be");
    assert.equal(reasonOf(22, 3, 1, 0xff, 0xff), "a record has no size that can be");
    assert.equal(reasonOf(22, 3, 1, 0, 4, 2, 0, 0, 0), "it does not begin with a hello");
    assert.equal(reasonOf(22, 3, 1, 0, 4, 1, 1, 0, 0), "its hello is too long");
    assert.equal(reasonOf(22, 3, 1, 0, 5, 1, 0, 0, 1, 3), "its hello is cut off");
  });

  it("never throw and never wait for more than a hello may have", () => {
    const changed = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(changed, fc.uint8Array({ maxLength: 200 }), (changes, more) => {
        const bytes = Buffer.concat([hello, more]);
        for (const [at, byte] of changes) bytes[at] = byte;
        readFirstBytes(bytes);
        readFirstBytes(more);
      }),
      { numRuns: 3_000 },
    );
    const endless = Buffer.concat(
      Array.from({ length: 20_000 }, () => Buffer.from([22, 3, 1, 0, 1, 1])),
    );
    assert.equal(readFirstBytes(endless).kind, "foreign");
  });
});
