import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { silentLog } from "@propagit/runtime";
import { createProxy, type Route, type Upstream } from "../../src/index.js";
import { ask, openRaw, sendRaw } from "../support/ask.js";
import { deadPort, startApp, startRawApp, until } from "../support/rig.js";

async function start(
  t: TestContext,
  route: Route,
  onError?: (error: unknown) => void,
): Promise<number> {
  const proxy = createProxy({ route, log: silentLog, ...(onError && { onError }) });
  t.after(() => proxy.stop());
  return (await proxy.listen({ port: 0, host: "127.0.0.1" })).port;
}

/** Says what it was asked. */
async function startEcho(t: TestContext, name = "echo"): Promise<number> {
  const { port } = await startApp(t, (request, response) => {
    const { method, url, headers } = request;
    response.setHeader("X-Internal", "secret");
    response.end(JSON.stringify({ name, method, url, headers }));
  });
  return port;
}

interface Seen {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const seenIn = (body: string) => JSON.parse(body) as Seen;

test("sends requests where the function says, by host, path or header", async (t) => {
  const one = await startEcho(t, "one");
  const two = await startEcho(t, "two");
  const port = await start(t, ({ host, path, query, header, method }) => {
    if (header("X-To") === "two") return { to: two };
    if (path === "/two" && query === "yes") return { to: `127.0.0.1:${two}` };
    return host === "beep.example" && method === "GET" ? { to: one } : undefined;
  });
  const nameOf = async (host: string, path = "/", headers = {}) => {
    const { status, body } = await ask(port, { host, path, headers });
    return status === 200 ? seenIn(body).name : status;
  };
  assert.equal(await nameOf("Beep.example:80"), "one");
  assert.equal(await nameOf("boop.example", "/two?yes"), "two");
  assert.equal(await nameOf("boop.example", "/", { "x-to": "two" }), "two");
  assert.equal(await nameOf("boop.example"), 404);
});

test("rewrites method, path, host and headers both ways", async (t) => {
  const app = await startEcho(t);
  const port = await start(t, ({ path }) => ({
    to: app,
    method: "PUT",
    path: `/v2${path}`,
    host: "inner.example",
    headers: { set: { "X-From": "outside" }, remove: ["Cookie"] },
    answerHeaders: { set: { "X-By": "me" }, remove: ["X-Internal"] },
  }));
  const answer = await ask(port, { path: "/list", headers: { cookie: "a=b" } });
  const { method, url, headers } = seenIn(answer.body);
  assert.deepEqual([method, url, headers["host"]], ["PUT", "/v2/list", "inner.example"]);
  assert.deepEqual([headers["x-from"], headers["cookie"]], ["outside", undefined]);
  assert.deepEqual([answer.headers["x-by"], answer.headers["x-internal"]], ["me", undefined]);
});

test("answers by itself, with text or bytes", async (t) => {
  const port = await start(t, ({ path }) => {
    if (path === "/bytes") return { status: 200, body: new Uint8Array([111, 107]) };
    const headers = { "X-Pot": "tea", "Set-Cookie": ["a=1", "b=2"] };
    return { status: 418, headers, body: "short and stout\n" };
  });
  const tea = await ask(port);
  assert.deepEqual(
    [tea.status, tea.body, tea.headers["x-pot"], tea.headers["set-cookie"]],
    [418, "short and stout\n", "tea", ["a=1", "b=2"]],
  );
  assert.equal((await ask(port, { path: "/bytes" })).body, "ok");
});

test("waits for a function that takes its time, and tells it when the visitor leaves", async (t) => {
  const app = await startEcho(t);
  let left = 0;
  const port = await start(t, async ({ path, signal }) => {
    if (path === "/never") {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      left += 1;
      return undefined;
    }
    await new Promise((resolve) => setImmediate(resolve));
    return { to: app };
  });
  assert.equal((await ask(port)).status, 200);
  const { socket } = openRaw(port);
  socket.write("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  setTimeout(() => socket.destroy(), 50);
  await until("the function knows", () => left === 1);
});

test("asks another of several when one takes nothing, and says why when none is left", async (t) => {
  const app = await startEcho(t);
  const dead = await deadPort();
  let to: readonly Upstream[] = [dead, `localhost:${app}`];
  const port = await start(t, () => ({ to }));
  for (let count = 1; count <= 20; count++) {
    assert.equal((await ask(port, { method: "POST", body: "kept" })).status, 200);
  }
  to = [dead];
  const answer = await ask(port);
  assert.equal(answer.status, 502);
  assert.match(answer.body, /^APP_FAILED: it cannot be connected to: /);
  to = [];
  assert.equal((await ask(port)).status, 503);
});

test("keeps limits on time and size", async (t) => {
  const silent = await startRawApp(t, (socket) => socket.resume());
  const port = await start(t, () => ({ to: silent, timeouts: { headMs: 100 }, bodyBytesMax: 3 }));
  assert.equal((await ask(port)).status, 504);
  assert.equal((await ask(port, { method: "POST", body: "long" })).status, 413);
});

test("answers 500 without a word of it when the function fails, and goes on", async (t) => {
  const errors: unknown[] = [];
  const port = await start(
    t,
    ({ path }) => {
      if (path === "/throws") throw new Error("secret reason");
      if (path === "/rejects") return Promise.reject(new Error("secret reason"));
      if (path === "/nonsense") return { to: "not an address" };
      if (path === "/status") return { status: 20 };
      if (path === "/split") return { status: 200, headers: { Location: "a\r\nSet-Cookie: b" } };
      if (path === "/framing") return { status: 200, headers: { "Content-Length": "9" } };
      if (path === "/smuggle") return { to: 1, path: "/ HTTP/1.1\r\nHost: other\r\n\r\nGET /" };
      if (path === "/host") return { to: 1, host: "a\r\nX: y" };
      if (path === "/method") return { to: 1, method: "GET / HTTP/1.1\r\n" };
      if (path === "/header") return { to: 1, headers: { set: { "X: y\r\nZ": "" } } };
      return { status: 200, body: "fine" };
    },
    (error) => errors.push(error),
  );
  const paths = ["/throws", "/rejects", "/nonsense", "/status", "/split", "/framing"];
  paths.push("/smuggle", "/host", "/method", "/header");
  for (const path of paths) {
    const { status, body } = await ask(port, { path });
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
  }
  assert.equal(errors.length, paths.length);
  assert.equal((await ask(port)).body, "fine");
});

test("carries websockets and refuses what can be read in two ways", async (t) => {
  const app = await startRawApp(t, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
      socket.pipe(socket);
    });
  });
  const port = await start(t, () => ({ to: app }));
  const { socket, received } = openRaw(port);
  t.after(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  await until("it has switched", () => received().includes("101"));
  socket.write("hello");
  await until("it came back", () => received().endsWith("hello"));
  const twice = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
  assert.match(await sendRaw(port, twice), /^HTTP\/1\.1 400 .*BAD_REQUEST: /s);
});
