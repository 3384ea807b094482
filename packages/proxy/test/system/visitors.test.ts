import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ask, oneConnection } from "../support/ask.js";
import { app, startApp, startRig, until, type Rig } from "../support/rig.js";
import { commitA, commitB, routeOf } from "../support/samples.js";

const visitorsMax = 10_000;

test("splits 10,000 visitors 90 to 10 within 2 %, and keeps each in his variant", async (t) => {
  const rig = await startSplit(t, 90, 10);
  const first = await visitAll(
    rig,
    Array.from({ length: visitorsMax }, () => undefined),
  );
  const share = first.filter(({ body }) => body === "commit B").length / visitorsMax;
  assert.ok(Math.abs(share - 0.1) < 0.02, `commit B got ${share * 100} %`);
  const some = first.slice(0, 500);
  const again = await visitAll(
    rig,
    some.map(({ cookie }) => cookie),
  );
  assert.deepEqual(
    again.map(({ body }) => body),
    some.map(({ body }) => body),
  );
  assert.ok(again.every(({ setCookie }) => setCookie === undefined));
  rig.hub.setRoutes([routeOf([commitA, 80], [commitB, 20])]);
  const raised = await visitAll(
    rig,
    some.map(({ cookie }) => cookie),
  );
  const movedBack = raised.filter(
    ({ body }, index) => body === "commit A" && some[index]?.body === "commit B",
  );
  assert.equal(movedBack.length, 0);
});

test("gives a visitor his id once, as a cookie that scripts cannot read, and only where shares differ", async (t) => {
  const rig = await startSplit(t, 50, 50);
  const answer = await ask(rig.port);
  assert.match(
    answer.headers["set-cookie"]?.[0] ?? "",
    /^propagit-visitor=[0-9a-f]{32}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/,
  );
  const pinned = await ask(rig.port, { host: "bbbbbbb--webapp.localhost" });
  assert.equal(pinned.headers["set-cookie"], undefined);
  rig.hub.setRoutes([routeOf([commitA, 1])]);
  await until("visitors of a single share get none", async () => {
    const single = await ask(rig.port, { headers: { cookie: "propagit-visitor=short" } });
    return single.headers["set-cookie"] === undefined;
  });
});

test("replaces an id that is not of its making", async (t) => {
  const rig = await startSplit(t, 50, 50);
  for (const foreign of ["short", "G".repeat(32), `${"a".repeat(32)}b`, ""]) {
    const answer = await ask(rig.port, { headers: { cookie: `propagit-visitor=${foreign}` } });
    assert.match(
      answer.headers["set-cookie"]?.[0] ?? "",
      /^propagit-visitor=[0-9a-f]{32};/,
      foreign,
    );
  }
});

test("goes by environment, and by the hosts and paths that a manifest names", async (t) => {
  const one = await startApp(t, (_request, response) => response.end("production"));
  const two = await startApp(t, ({ url }, response) => response.end(`staging ${url}`));
  const [live, next] = ["1".repeat(16), "2".repeat(16)];
  const share = (deployment: string) => [{ commit: commitA, deployment, weight: 1 }];
  const hosts = [{ host: "example.com", path: "/try" }];
  const rig = await startRig(t, {
    endpoints: [
      { ...app(one.port), meta: { deployment: live } },
      { ...app(two.port), meta: { deployment: next } },
    ],
    prepare: (hub) =>
      hub.setRoutes([
        { repo: "webapp", shares: share(live), hosts: [{ host: "example.com" }] },
        { repo: "webapp", environment: "staging", shares: share(next), hosts },
      ]),
  });
  const bodyOf = async (host: string, path = "/") => (await ask(rig.port, { host, path })).body;
  assert.equal(await bodyOf("webapp.localhost"), "production");
  assert.equal(await bodyOf("staging--webapp.localhost", "/a"), "staging /a");
  assert.equal(await bodyOf("example.com", "/trying"), "production");
  assert.equal(await bodyOf("example.com", "/try/it?now"), "staging /try/it?now");
  const missing = await ask(rig.port, { host: "stagin--webapp.localhost" });
  assert.equal(missing.status, 404);
  assert.match(missing.body, /webapp has no environment stagin/);
});

interface Visited {
  readonly body: string;
  readonly cookie: string;
  readonly setCookie: string | undefined;
}

/** Visits with the given cookies, eight at a time over kept connections. */
async function visitAll(
  rig: Rig,
  cookies: readonly (string | undefined)[],
): Promise<readonly Visited[]> {
  const visited: Visited[] = [];
  let next = 0;
  const walk = async () => {
    const agent = oneConnection();
    for (let index = next++; index < cookies.length; index = next++) {
      const known = cookies[index];
      const headers = known === undefined ? {} : { cookie: known };
      const { body, headers: got } = await ask(rig.port, { agent, headers });
      const setCookie = got["set-cookie"]?.[0];
      visited[index] = { body, setCookie, cookie: known ?? setCookie?.split(";")[0] ?? "" };
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: 8 }, walk));
  return visited;
}

async function startSplit(t: TestContext, weightA: number, weightB: number): Promise<Rig> {
  const one = await startApp(t, (_request, response) => response.end("commit A"));
  const two = await startApp(t, (_request, response) => response.end("commit B"));
  return startRig(t, {
    endpoints: [app(one.port), app(two.port, commitB)],
    prepare: (hub) => hub.setRoutes([routeOf([commitA, weightA], [commitB, weightB])]),
  });
}
