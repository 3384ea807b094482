import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointUpdate } from "@propagit/protocol";
import {
  noEndpoints,
  rememberedTable,
  stepEndpoints,
  type EndpointTable,
} from "../../src/core/endpoint-table.js";
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

function idsAfter(before: EndpointTable, ...updates: readonly EndpointUpdate[]): string[] {
  const together = [...stepEndpoints(before, updates).endpoints.keys()].sort();
  const byOne = updates.reduce((table, update) => stepEndpoints(table, [update]), before);
  assert.deepEqual([...byOne.endpoints.keys()].sort(), together);
  return together;
}

test("takes a settled snapshot for the whole truth, also when it is empty", () => {
  assert.deepEqual(idsAfter(noEndpoints, snapshot(true, one, two)), [one.id, two.id]);
  assert.deepEqual(idsAfter(rememberedTable([one, two]), snapshot(true, two)), [two.id]);
  assert.deepEqual(idsAfter(rememberedTable([one]), snapshot(true)), []);
});

test("removes nothing on the word of a registry that still waits for owners", () => {
  const remembered = rememberedTable([one, two]);
  assert.deepEqual(idsAfter(remembered, snapshot(false)), [one.id, two.id]);
  assert.deepEqual(idsAfter(remembered, snapshot(false, three)), [one.id, two.id, three.id]);
});

test("drops what nobody came back for once the registry has settled", () => {
  const remembered = rememberedTable([one, two]);
  const settled: EndpointUpdate = { kind: "settled", at };
  assert.deepEqual(idsAfter(remembered, snapshot(false, one), up(three), settled), [
    one.id,
    three.id,
  ]);
});

test("removes at once what the registry says is down, confirmed or not", () => {
  const remembered = rememberedTable([one, two]);
  assert.deepEqual(idsAfter(remembered, snapshot(false, one), down(two), down(one)), []);
});

test("replaces a record that came back under another id at the same port", () => {
  const moved = endpointOf(1, { id: "record-again" });
  assert.deepEqual(idsAfter(rememberedTable([one, two]), snapshot(false), up(moved)), [
    two.id,
    moved.id,
  ]);
});

test("keeps several records of one port when the registry has them so", () => {
  const alias = endpointOf(1, { id: "alias", service: "web" });
  assert.deepEqual(idsAfter(noEndpoints, snapshot(true, one), up(alias)), [alias.id, one.id]);
});
