import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ExchangeEnd } from "@propagit/http";
import {
  encodeAccess,
  encodeDropped,
  isLogged,
  type AccessEntry,
} from "../../src/core/access-line.js";

const entry: AccessEntry = {
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  method: "GET",
  host: "shop.example",
  target: "/cart?id=7",
  version: "1.1",
  isSecure: true,
  address: "192.0.2.7",
  repo: "shop",
  environment: "production",
  commit: "a".repeat(40),
  endpoint: "10.0.0.1:4000",
};
const end: ExchangeEnd = {
  how: "complete",
  status: 200,
  requestBytes: 0,
  answerBytes: 1_234,
  headMs: 1.23456,
  tookMs: 2.5,
};

test("writes a request as one line of JSON", () => {
  const line = encodeAccess(entry, end);
  assert.ok(line.endsWith("}\n"));
  assert.deepEqual(JSON.parse(line), {
    at: "2026-01-02T03:04:05.678Z",
    method: "GET",
    host: "shop.example",
    target: "/cart?id=7",
    status: 200,
    how: "complete",
    ms: 2.5,
    headMs: 1.235,
    requestBytes: 0,
    answerBytes: 1_234,
    repo: "shop",
    environment: "production",
    commit: "a".repeat(40),
    endpoint: "10.0.0.1:4000",
    address: "192.0.2.7",
    http: "1.1",
    tls: true,
  });
});

test("stays one harmless line whatever a visitor sends", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const line = encodeAccess({ ...entry, target: text, userAgent: text }, end);
      // eslint-disable-next-line no-control-regex
      assert.match(line, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\n$/);
      assert.equal((JSON.parse(line) as { target: string }).target, text);
    }),
  );
});

test("cuts what is too long, and says so", () => {
  const line = encodeAccess({ ...entry, target: `/${"x".repeat(100_000)}` }, end);
  const { target } = JSON.parse(line) as { target: string };
  assert.equal(target.length, 2_049);
  assert.ok(target.endsWith("…"));
});

test("writes every failure, and a part of the rest", () => {
  assert.equal(isLogged(end, 10, 0.05), true);
  assert.equal(isLogged(end, 10, 0.1), false);
  assert.equal(isLogged({ ...end, status: 503 }, 0, 0.9), true);
  assert.equal(isLogged({ ...end, how: "cut" }, 0, 0.9), true);
  assert.equal(isLogged({ ...end, status: 404 }, 0, 0), false);
});

test("says how many lines are missing", () => {
  assert.deepEqual(JSON.parse(encodeDropped(0, 7)), { at: "1970-01-01T00:00:00.000Z", dropped: 7 });
});
