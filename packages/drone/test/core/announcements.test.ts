import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointUpdate } from "@propagit/protocol";
import {
  announcedBy,
  applyUpdate,
  noAnnouncements,
  outlive,
  type Announcements,
} from "../../src/core/announcements.js";

const at = { epoch: "e", revision: 1 };
const record = (id: string, process: string): Endpoint => ({
  id,
  service: "http",
  version: "0.0.0",
  host: "127.0.0.1",
  port: 5_000,
  meta: { process },
});
const up = (endpoint: Endpoint): EndpointUpdate => ({ kind: "up", at, endpoint });
const down = (endpoint: Endpoint): EndpointUpdate => ({
  kind: "down",
  at,
  endpoint,
  reason: "freed",
});
const snapshot = (settled: boolean, ...endpoints: Endpoint[]): EndpointUpdate => ({
  kind: "snapshot",
  at,
  settled,
  endpoints,
});
const after = (...updates: EndpointUpdate[]): Announcements =>
  updates.reduce((known, update) => applyUpdate(known, update, isOwn), noAnnouncements);
const isOwn = ({ id }: Endpoint) => id === "own";
const ids = (known: Announcements) => announcedBy(known, "p").map(({ id }) => id);

test("knows the records of a process by its metadata, but not those of the drone itself", () => {
  const known = after(snapshot(true, record("a", "p"), record("own", "p")), up(record("b", "q")));
  assert.deepEqual(ids(known), ["a"]);
});

test("forgets a record that goes", () => {
  assert.deepEqual(ids(after(up(record("a", "p")), down(record("a", "p")))), []);
});

test("does not take the silence of a restarted registry for a withdrawal until it has settled", () => {
  const restarted = after(up(record("a", "p")), up(record("b", "p")), snapshot(false));
  assert.deepEqual(ids(restarted), ["a", "b"]);
  const back = applyUpdate(restarted, up(record("a", "p")), isOwn);
  assert.deepEqual(ids(applyUpdate(back, { kind: "settled", at }, isOwn)), ["a"]);
});

test("does not count a record that outlived its process, until it is announced again", () => {
  const outlived = outlive(after(up(record("a", "p"))), "p");
  assert.deepEqual(ids(outlived), []);
  assert.deepEqual(ids(applyUpdate(outlived, snapshot(true, record("a", "p")), isOwn)), []);
  assert.deepEqual(ids(applyUpdate(outlived, up(record("a", "p")), isOwn)), ["a"]);
});
