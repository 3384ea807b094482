import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTable, encodeTable } from "../../src/core/saved-table.js";
import { commitA, endpointOf, routeOf } from "../support/samples.js";

const book = {
  revision: 7,
  routes: [routeOf([commitA, 1])],
  deployments: [{ repo: "webapp", commit: commitA }],
};

const names = new Map([[commitA, new Map([["http", "127.0.0.1:1"]])]]);

test("reads back what it wrote", () => {
  const table = { book, endpoints: [endpointOf(1), endpointOf(2)], names };
  assert.deepEqual(decodeTable(encodeTable(table)), { ok: true, value: table });
});

test("keeps environments, deployments and host names", () => {
  const deployment = "1".repeat(16);
  const route = { repo: "webapp", environment: "staging" };
  const full = {
    revision: 8,
    routes: [
      {
        ...route,
        shares: [{ commit: commitA, deployment, weight: 1 }],
        hosts: [{ host: "example.com", path: "/shop", service: "http" }],
      },
    ],
    deployments: [{ ...route, commit: commitA, id: deployment, release: 3 }],
  };
  const table = { book: full, endpoints: [endpointOf(1, { meta: { deployment } })], names };
  const encoded = encodeTable(table);
  assert.equal((JSON.parse(encoded) as { version: number }).version, 2);
  assert.deepEqual(decodeTable(encoded), { ok: true, value: table });
});

test("takes a table of before there were environments, and of before the names were kept", () => {
  const decoded = decodeTable(JSON.stringify({ version: 1, book, endpoints: [] }));
  assert.deepEqual(decoded, { ok: true, value: { book, endpoints: [], names: new Map() } });
});

test("says why it does not take a damaged or foreign file", () => {
  const reasonOf = (content: string) => {
    const decoded = decodeTable(content);
    return decoded.ok ? undefined : decoded.reason;
  };
  const endpoints = [{ ...endpointOf(1), port: 0 }];
  assert.equal(reasonOf(""), "is of another version");
  assert.equal(reasonOf("[]"), "is of another version");
  assert.equal(reasonOf(JSON.stringify({ version: 3, book })), "is of another version");
  assert.equal(
    reasonOf(encodeTable({ book, endpoints: [], names }).slice(0, -1)),
    "is of another version",
  );
  assert.equal(reasonOf(JSON.stringify({ version: 1, book })), "has no endpoints");
  assert.match(reasonOf(JSON.stringify({ version: 1, book: {}, endpoints: [] })) ?? "", /./);
  assert.match(reasonOf(JSON.stringify({ version: 1, book, endpoints })) ?? "", /^port /);
});
