import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { findFreePort, simRandom } from "../../src/index.js";

async function listen(test: TestContext, host: string, port = 0): Promise<number> {
  const server: Server = createServer().listen(port, host);
  await once(server, "listening");
  test.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("a free port", () => {
  it("is in the range and can be listened on", async (test) => {
    const range = { low: 20_000, high: 30_000 };
    const port = await findFreePort({ random: simRandom(1), range });
    assert.ok(port >= range.low && port <= range.high);
    assert.equal(await listen(test, "127.0.0.1", port), port);
  });

  for (const host of ["127.0.0.1", "0.0.0.0", "::1", "::"]) {
    it(`is none that somebody listens on at ${host}`, async (test) => {
      const port = await listen(test, host).catch(() => undefined);
      if (port === undefined) return test.skip(`this machine cannot listen on ${host}`);
      const range = { low: port, high: port };
      await assert.rejects(findFreePort({ random: simRandom(1), range }), {
        code: "NO_FREE_PORT",
        message: `no port from ${port} to ${port} is free`,
      });
    });
  }

  it("is found even when it is the only one of its range", async (test) => {
    const taken = await listen(test, "127.0.0.1");
    const range = { low: taken, high: Math.min(taken + 200, 65_535) };
    const others = new Set<number>();
    const first = await findFreePort({ random: simRandom(2), range });
    const avoid = (port: number) => port !== first || others.has(port);
    assert.equal(await findFreePort({ random: simRandom(3), range, avoid }), first);
  });

  it("is none that was promised to somebody else", async () => {
    const options = { random: simRandom(1), range: { low: 20_000, high: 30_000 } };
    await assert.rejects(
      findFreePort({ ...options, range: { low: 20_000, high: 20_050 }, avoid: () => true }),
      {
        code: "NO_FREE_PORT",
      },
    );
  });
});
