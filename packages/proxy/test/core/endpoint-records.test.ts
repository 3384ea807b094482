import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointUpdate } from "@propagit/protocol";
import { EndpointRecords } from "../../src/core/endpoint-records.js";
import { endpointOf } from "../support/samples.js";

const at = { epoch: "life", revision: 1 };
const [one, two, three] = [endpointOf(1), endpointOf(2), endpointOf(3)];

const snapshot = (settled: boolean, ...endpoints: Endpoint[]): EndpointUpdate => ({
  kind: "snapshot",
  at,
  settled,
  endpoints,
});
const up = (endpoint: Endpoint): EndpointUpdate => ({ kind: "up", at, endpoint });
const down = (endpoint: Endpoint): EndpointUpdate => ({
  kind: "down",
  at,
  endpoint,
  reason: "expired",
});

/** Ids in the end, and what was told on the way. */
function after(remembered: readonly Endpoint[], ...updates: readonly EndpointUpdate[]) {
  const told: string[] = [];
  const records = new EndpointRecords({
    came: ({ id }) => told.push(`+${id}`),
    went: ({ id }) => told.push(`-${id}`),
  });
  records.remember(remembered);
  told.length = 0;
  for (const update of updates) records.take(update);
  return { ids: [...records.values()].map(({ id }) => id).sort(), told };
}

test("takes a settled snapshot for the whole truth, also when it is empty", () => {
  assert.deepEqual(after([], snapshot(true, one, two)).ids, [one.id, two.id]);
  assert.deepEqual(after([one, two], snapshot(true, two)), { ids: [two.id], told: [`-${one.id}`] });
  assert.deepEqual(after([one], snapshot(true)).ids, []);
});

test("removes nothing on the word of a registry that still waits for owners", () => {
  assert.deepEqual(after([one, two], snapshot(false)), { ids: [one.id, two.id], told: [] });
  assert.deepEqual(after([one, two], snapshot(false, three)).ids, [one.id, two.id, three.id]);
});

test("drops what nobody came back for once the registry has settled", () => {
  const updates = [snapshot(false, one), up(three), { kind: "settled", at }] as const;
  assert.deepEqual(after([one, two], ...updates).ids, [one.id, three.id]);
});

test("removes at once what the registry says is down, confirmed or not", () => {
  assert.deepEqual(after([one, two], snapshot(false, one), down(two), down(one)).ids, []);
});

test("replaces a record that came back under another id at the same port", () => {
  const moved = endpointOf(1, { id: "record-again" });
  assert.deepEqual(after([one, two], snapshot(false), up(moved)).ids, [two.id, moved.id]);
});

test("keeps several records of one port when the registry has them so, and tells nothing twice", () => {
  const alias = endpointOf(1, { id: "alias", service: "web" });
  assert.deepEqual(after([], snapshot(true, one), up(alias)).ids, [alias.id, one.id]);
  assert.deepEqual(after([one, alias], snapshot(true, alias, one)).told, []);
});

test("tells of a record that says something else now as gone and come", () => {
  const changed = endpointOf(1, { meta: { zone: "eu" } });
  assert.deepEqual(after([one], up(changed)).told, [`-${one.id}`, `+${one.id}`]);
  assert.deepEqual(after([one], up(endpointOf(1))).told, []);
});
