import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeDesire,
  decodeLease,
  encodeDesire,
  type Hider,
} from "../../src/core/stored-desire.js";
import type { Remembered } from "../../src/world.js";
import { assignmentOf, serviceOf } from "../support/hub-double.js";

/** Plain to see through; what hides for real is tested with it. */
const hiderOf = (key: string): Hider => ({
  hide: (text) => `${key}:${Buffer.from(text).toString("hex")}`,
  show: (hidden) => {
    const [by, text = ""] = hidden.split(":");
    return by === key ? Buffer.from(text, "hex").toString() : undefined;
  },
});
const hider = hiderOf("key");

const assignment = assignmentOf({
  repo: "webapp",
  commit: "1".repeat(40),
  services: [{ service: "web", instances: 2, held: [1] }],
});
const task = { command: ["npm", "test"], on: [], env: {}, timeoutMs: 60_000 };
const remembered: Remembered = {
  joined: {
    drone: "web-1",
    hub: "a".repeat(32),
    registry: { port: 6000, open: false, own: true },
    timeoutMs: 30_000,
    ways: ["relay-b:6001", "hub:6001"],
  },
  assignments: [assignment],
  keep: [{ repo: "webapp", commit: "2".repeat(40) }],
  specifications: [
    { id: assignment.id, services: [serviceOf()], test: task, config: { PASSWORD: "geheim ü" } },
  ],
  resting: [
    {
      deployment: assignment.id,
      release: 3,
      service: "web",
      slot: 2,
      outcome: "failed",
      reason: "it crashed",
      lastLines: ["no config"],
    },
  ],
};

test("reads what was written", () => {
  const decoded = decodeDesire(encodeDesire(remembered, hider), hider);
  assert.deepEqual(decoded, { remembered, unread: 0 });
});

test("writes no setting in clear", () => {
  const text = encodeDesire(remembered, hider);
  assert.ok(!text.includes("geheim") && !text.includes("PASSWORD"));
});

test("reads nothing out of a file that is cut off, wherever that is", () => {
  const text = encodeDesire(remembered, hider);
  for (let length = 0; length < text.length; length++) {
    assert.equal(decodeDesire(text.slice(0, length), hider), undefined);
  }
});

test("reads all but the settings that were hidden by another key", () => {
  const decoded = decodeDesire(encodeDesire(remembered, hiderOf("other")), hider);
  assert.deepEqual(decoded, { remembered: { ...remembered, specifications: [] }, unread: 1 });
});

test("believes nothing that has not the shape it writes, and never fails", () => {
  const whole = JSON.parse(encodeDesire(remembered, hider)) as Record<string, unknown>;
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(whole)), fc.jsonValue(), (key, value) => {
      const decoded = decodeDesire(JSON.stringify({ ...whole, [key]: value }), hider);
      if (!decoded) return;
      // What was not changed is as it was; what was is of its kind or not there.
      const found = decoded.remembered;
      if (key !== "told") assert.deepEqual(found.assignments, remembered.assignments);
      if (key !== "joined") assert.deepEqual(found.joined, remembered.joined);
      for (const { id, services } of found.specifications) {
        assert.ok(typeof id === "string" && Array.isArray(services));
      }
      for (const { slot, reason } of found.resting) {
        assert.ok(Number.isSafeInteger(slot) && typeof reason === "string");
      }
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => decodeDesire(text, hider) === undefined));
});

test("leaves out a rest that is damaged, and keeps the others", () => {
  const whole = JSON.parse(encodeDesire(remembered, hider)) as { resting: object[] };
  const [good = {}] = whole.resting;
  for (const bad of [
    null,
    7,
    {},
    { ...good, slot: "1" },
    { ...good, outcome: "gone" },
    { ...good, lastLines: [1] },
    { ...good, reason: undefined },
  ]) {
    const text = JSON.stringify({ ...whole, resting: [bad, good] });
    assert.deepEqual(decodeDesire(text, hider)?.remembered.resting, remembered.resting);
  }
});

test("reads a lease, and nothing that only looks like one", () => {
  const lease = { place: "hub:6000", ttlMs: 30_000, lease: "a".repeat(32) };
  assert.deepEqual(decodeLease(JSON.stringify(lease)), lease);
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    JSON.stringify({ ...lease, lease: "short" }),
    JSON.stringify({ ...lease, ttlMs: "30000" }),
    JSON.stringify({ ...lease, place: 6000 }),
  ]) {
    assert.equal(decodeLease(text), undefined);
  }
});
