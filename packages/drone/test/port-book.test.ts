import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { test, type TestContext } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { nodeRandom } from "@propagit/runtime";
import { PortBook } from "../src/port-book.js";
import { nodePorts } from "../src/system/node-ports.js";
import type { PortRequest, Ports } from "../src/world.js";

const range = { low: 20_000, high: 20_003 };
const [web, admin] = [{ name: "http" }, { name: "admin" }];

/** A machine on which nobody else listens, but at these. */
function machine(...taken: number[]): Ports & { readonly asked: PortRequest[] } {
  const asked: PortRequest[] = [];
  return {
    asked,
    async pick(request) {
      const { range: bounds, wanted, avoid } = request;
      asked.push(request);
      // As long as it takes others to ask, too.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      const isFree = (port: number) => !taken.includes(port) && !avoid(port);
      if (wanted !== undefined && isFree(wanted)) return wanted;
      for (let port = bounds.low; port <= bounds.high; port++) if (isFree(port)) return port;
      throw new PropagitError("NO_FREE_PORT", "none is free");
    },
    isOpen: async () => false,
  };
}

test("gives one number for each port of a service", async () => {
  const book = new PortBook(machine(), range);
  assert.deepEqual(await book.pick("p1", [web, admin], {}), { http: 20_000, admin: 20_001 });
  assert.deepEqual(await book.pick("worker", [], {}), {});
});

test("gives no number twice, however many ask at the same moment", async () => {
  const book = new PortBook(machine(), range);
  const all = await Promise.all(
    ["p1", "p2", "p3", "p4"].map((process) => book.pick(process, [web], {})),
  );
  assert.deepEqual(
    all.map(({ http }) => http),
    [20_000, 20_001, 20_002, 20_003],
  );
  await assert.rejects(book.pick("p5", [web], {}), { code: "NO_FREE_PORT" });
  book.release("p2");
  assert.deepEqual(await book.pick("p5", [web], {}), { http: 20_001 });
});

test("gives an instance that restarts its former numbers again", async () => {
  const book = new PortBook(machine(), range);
  await book.pick("p1", [web], {});
  const former = await book.pick("p2", [web, admin], {});
  assert.deepEqual(await book.pick("p2", [web, admin], former), former);
});

test("gives another number when the former one was taken meanwhile", async () => {
  const book = new PortBook(machine(20_002), range);
  assert.deepEqual(await book.pick("p1", [web], { http: 20_002 }), { http: 20_000 });
  assert.deepEqual(await book.pick("p2", [web], { http: 20_000 }), { http: 20_001 });
});

test("gives nobody what a process of an earlier life listens on", async () => {
  const book = new PortBook(machine(), range);
  book.keep("old", { http: 20_000, admin: 20_002 });
  assert.deepEqual(await book.pick("p1", [web, admin], {}), { http: 20_001, admin: 20_003 });
  assert.deepEqual(await book.pick("old", [web, admin], { http: 20_000, admin: 20_002 }), {
    http: 20_000,
    admin: 20_002,
  });
});

test("gives a port its own number, within the drone's range or not", async () => {
  const ports = machine();
  const book = new PortBook(ports, range);
  const own = [{ name: "http", port: 8_080 }, admin];
  assert.deepEqual(await book.pick("p1", own, { http: 9_999 }), { http: 8_080, admin: 20_000 });
  assert.deepEqual(ports.asked[0]?.range, { low: 8_080, high: 8_080 });
});

test("says who has the number that a port must have", async () => {
  const book = new PortBook(machine(8_081), range);
  const own = (port: number) => [{ name: "http", port }];
  await book.pick("p1", own(8_080), {});
  await assert.rejects(book.pick("p2", own(8_080), {}), {
    code: "PORT_TAKEN",
    message: "port 8080 (http) is taken: another instance on this drone has it",
  });
  await assert.rejects(book.pick("p2", own(8_081), {}), {
    code: "PORT_TAKEN",
    message: "port 8081 (http) is taken: another program on this machine listens there",
  });
  // It was promised nothing, and stands in nobody's way.
  book.release("p1");
  assert.deepEqual(await book.pick("p2", own(8_080), {}), { http: 8_080 });
});

test("goes on after a pick that failed for another reason", async () => {
  const ports = machine();
  let isBroken = true;
  const book = new PortBook(
    {
      ...ports,
      pick: (request) => (isBroken ? Promise.reject(new Error("EMFILE")) : ports.pick(request)),
    },
    range,
  );
  await assert.rejects(book.pick("p1", [{ name: "http", port: 8_080 }], {}), /EMFILE/);
  isBroken = false;
  assert.deepEqual(await book.pick("p1", [web], {}), { http: 20_000 });
});

test("sees who really listens on this machine", async (t) => {
  const server = await listen(t);
  const { port } = server.address() as AddressInfo;
  const book = new PortBook(nodePorts(nodeRandom), { low: port, high: port });
  const own = [{ name: "http", port }];
  await assert.rejects(book.pick("p1", own, {}), { code: "PORT_TAKEN" });
  await assert.rejects(book.pick("p1", [web], {}), { code: "NO_FREE_PORT" });
  server.close();
  await once(server, "close");
  assert.deepEqual(await book.pick("p1", own, {}), { http: port });
});

async function listen(t: TestContext): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return server;
}
