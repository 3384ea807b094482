/** What the proxy answers by itself, and copies: on the metrics page and in the access log. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Route, Rules } from "@propagit/protocol";
import { ask, sendRaw } from "../support/ask.js";
import { app, deadPort, startApp, startRig, tempFolder, until, type Rig } from "../support/rig.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

const users = [{ name: "ada", hash: "scrypt$2$1$1$c2FsdA$a2V5" }];
const scarce = { perSecond: 0.01, burst: 1, by: "address" } as const;

/** By repository: its rules, the requests it gets, and the codes of the answers. */
const answered: Readonly<Record<string, { rules: Rules; codes: readonly string[] }>> = {
  limited: { rules: { rate: scarce }, codes: ["TOO_MANY", "TOO_MANY"] },
  walled: { rules: { deny: ["0.0.0.0/0"] }, codes: ["FORBIDDEN"] },
  locked: { rules: { users }, codes: ["UNAUTHORIZED"] },
  closed: { rules: { maintenance: { text: "back soon" } }, codes: ["maintenance"] },
  halted: { rules: { pause: { limitMs: 20 } }, codes: ["PAUSED"] },
  secure: { rules: { httpsOnly: true }, codes: ["redirect"] },
};

const bookOf = (commit: string): readonly Route[] => [
  ...Object.entries(answered).map(([repo, { rules }]) => ({
    ...routeOf([commit, 1]),
    repo,
    rules,
  })),
  { ...routeOf([commitB, 1]), repo: "empty" },
  routeOf([commit, 1]),
];

for (const workers of [1, 2]) {
  test(`counts its own answers by place and code, and logs both, ${workers} threads`, async (t) => {
    const { port } = await startApp(t, (_request, response) => response.end());
    const path = join(await tempFolder(), "access.log");
    const rig = await startRig(t, {
      workers,
      endpoints: [app(port)],
      metrics: { port: 0 },
      accessLog: { path },
      prepare: (hub) => hub.setRoutes([...bookOf(commitA)]),
    });
    await exhaust(rig, workers);
    for (const [repo, { codes }] of Object.entries(answered)) {
      if (repo === "limited") continue;
      for (const _code of codes) await ask(rig.port, { host: `${repo}.localhost` });
    }
    await ask(rig.port, { host: "empty.localhost" });
    await ask(rig.port, { host: "strange-1.example" });
    await ask(rig.port, { host: "strange-2.example" });
    await sendRaw(rig.port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    await sendRaw(rig.port, `GET /${"x".repeat(100_000)} HTTP/1.1\r\n\r\n`);
    const expected = new Map([
      ...Object.entries(answered).flatMap(([repo, { codes }]) =>
        codes.map((code) => [`${repo} production ${code}`, codes.length] as const),
      ),
      ["empty production NO_ENDPOINT", 1],
      ["  NO_ROUTE", 2],
      ["  BAD_REQUEST", 2],
    ]);
    await until("all are counted", async () => {
      const counted = await seriesOf(rig, "own_answers_total");
      return [...expected].every(([key, count]) => counted.get(key) === count);
    });
    assert.deepEqual(new Set((await seriesOf(rig, "own_answers_total")).keys()), keysOf(expected));
    await rig.proxy.stop();
    const logged = (await linesOf(path)).filter(({ how }) => how === "answered");
    const whats = logged.map((line) =>
      [line["repo"] ?? "", line["environment"] ?? "", line["code"]].join(" "),
    );
    // What is no request has no line.
    expected.delete("  BAD_REQUEST");
    assert.deepEqual(new Set(whats), keysOf(expected));
  });
}

/** Each thread lets one of them through. */
async function exhaust(rig: Rig, workers: number): Promise<void> {
  let refused = 0;
  for (let count = 1; refused < 2; count++) {
    const { status } = await ask(rig.port, { host: "limited.localhost" });
    if (status === 429) refused += 1;
    assert.ok(count <= workers + 2, "it is not limited");
  }
}

function keysOf(map: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  return new Set(map.keys());
}

test("counts what was sent on with its commit only, also when the proxy answers in the end", async (t) => {
  const rig = await startRig(t, {
    endpoints: [endpointOf(await deadPort())],
    metrics: { port: 0 },
    prepare: (hub) => hub.setRoutes([{ ...routeOf([commitA, 1]), rules: { bodyBytesMax: 3 } }]),
  });
  assert.equal((await ask(rig.port)).status, 502);
  assert.equal((await ask(rig.port, { method: "POST", body: "long" })).status, 413);
  await until("both are counted", async () => {
    const counted = await seriesOf(rig, "requests_total");
    const of = (status: string) => counted.get(`webapp production ${commitA} ${status}`);
    return of("4xx") === 1 && of("5xx") === 1;
  });
  assert.deepEqual(await seriesOf(rig, "own_answers_total"), new Map());
});

test("writes of what visitors did wrong only the part that is wanted, of failures all", async (t) => {
  const path = join(await tempFolder(), "access.log");
  const rig = await startRig(t, {
    endpoints: [endpointOf(await deadPort())],
    accessLog: { path, percent: 0 },
    prepare: (hub) =>
      hub.setRoutes([
        ...bookOf(commitA),
        { ...routeOf([commitA, 1]), repo: "short", rules: { bodyBytesMax: 3 } },
      ]),
  });
  const statusOf = async (host: string, body = "") =>
    (await ask(rig.port, { host, method: "POST", body })).status;
  await statusOf("limited.localhost");
  assert.deepEqual(
    [
      await statusOf("limited.localhost"),
      await statusOf("walled.localhost"),
      await statusOf("strange.example"),
      await statusOf("short.localhost", "long"),
      await statusOf("webapp.localhost"),
      await statusOf("halted.localhost"),
    ],
    [429, 403, 404, 413, 502, 503],
  );
  await rig.proxy.stop();
  assert.deepEqual(
    (await linesOf(path)).map(({ repo, status, code }) => [repo, status, code]),
    [
      ["limited", 502, "APP_FAILED"],
      ["webapp", 502, "APP_FAILED"],
      ["halted", 503, "PAUSED"],
    ],
  );
});

for (const workers of [1, 2]) {
  test(`counts copies and what became of them, ${workers} threads`, async (t) => {
    const one = await startApp(t, (_request, response) => response.end("commit A"));
    const two = await startApp(t, ({ url }, response) => {
      if (url === "/cut") response.destroy();
      else response.writeHead(url === "/bad" ? 500 : 200).end();
    });
    const shadow = { commit: commitB, percent: 100 };
    const rig = await startRig(t, {
      workers,
      endpoints: [app(one.port), app(two.port, commitB)],
      metrics: { port: 0 },
      prepare: (hub) => hub.setRoutes([{ ...routeOf([commitA, 1]), shadow }]),
    });
    for (const path of ["/", "/", "/bad", "/cut"]) {
      assert.equal((await ask(rig.port, { path })).body, "commit A");
    }
    const place = `webapp production ${commitB}`;
    await until("all are over", async () => {
      const counted = await seriesOf(rig, "copies_total");
      return [...counted.values()].reduce((sum, count) => sum + count, 0) === 4;
    });
    assert.deepEqual(
      await seriesOf(rig, "copies_total"),
      new Map([
        [`${place} 2xx`, 2],
        [`${place} 5xx`, 1],
        [`${place} failed`, 1],
      ]),
    );
    assert.deepEqual(await seriesOf(rig, "copies_drawn_total"), new Map([[place, 4]]));
    const visited = await seriesOf(rig, "requests_total");
    assert.ok(![...visited.keys()].some((key) => key.includes(commitB)));
  });
}

/** Of one family: the values of its labels, and how much was counted. */
async function seriesOf(rig: Rig, family: string): Promise<Map<string, number>> {
  const { body } = await ask(rig.proxy.metricsPort ?? 0, { path: "/metrics" });
  const found = body.matchAll(new RegExp(`^propagit_proxy_${family}\\{(.*)\\} (\\d+)$`, "gm"));
  return new Map(
    Array.from(found, ([, labels = "", count]) => [
      Array.from(labels.matchAll(/="([^"]*)"/g), ([, value]) => value).join(" "),
      Number(count),
    ]),
  );
}

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
