import assert from "node:assert/strict";
import { test } from "node:test";
import { checkJoin, planJoin, type JoinParams, type Standing } from "../../src/core/membership.js";
import type { DroneRow } from "../../src/core/rows.js";
import type { Contact } from "../../src/core/contact.js";

const day = 86_400_000;

function params(identity: string, name: string): JoinParams {
  return {
    identity,
    name,
    labels: {},
    service: "web",
    host: "10.0.0.1",
    version: "1.0.0",
    instances: [],
  };
}

/** Drones that joined one after the other, in a contact each. */
function known(...drones: [identity: string, name: string, contact: Contact, since?: number][]) {
  const rows = new Map<string, DroneRow>();
  const standings = new Map<string, Standing>();
  for (const [identity, name, contact, since = 0] of drones) {
    rows.set(identity, planJoin(rows, standings, params(identity, name), 0).row);
    standings.set(identity, { contact, since });
  }
  return { rows, standings };
}

test("a drone gets its name, with a number on a clash, and keeps it while it asks for the same", () => {
  const { rows, standings } = known(["a", "web", "connected"], ["b", "web", "connected"]);
  assert.deepEqual(
    [...rows.values()].map(({ name }) => name),
    ["web", "web-1"],
  );
  standings.delete("a");
  rows.delete("a");
  assert.equal(planJoin(rows, standings, params("b", "web"), 1).row.name, "web-1");
  assert.equal(planJoin(rows, standings, params("b", "api"), 1).row.name, "api");
});

test("the name of a drone that ended is free, that of one that is away is not", () => {
  const ended = known(["a", "web", "left"]);
  const plan = planJoin(ended.rows, ended.standings, params("b", "web"), 1);
  assert.deepEqual([plan.row.name, plan.forgotten], ["web", ["a"]]);
  const away = known(["a", "web", "away"]);
  assert.equal(planJoin(away.rows, away.standings, params("b", "web"), 1).row.name, "web-1");
});

test("a drone that comes back in time is no news, one that was away is", () => {
  const isNews = (contact: Contact) => {
    const { rows, standings } = known(["a", "web", contact]);
    return planJoin(rows, standings, params("a", "web"), 1).isNews;
  };
  assert.deepEqual((["connected", "lost", "away", "left"] as const).map(isNews), [
    false,
    false,
    true,
    true,
  ]);
});

test("drones that ended a week ago, or were not seen for 90 days, are forgotten", () => {
  const { rows, standings } = known(
    ["a", "one", "left", 0],
    ["b", "two", "away", 0],
    ["c", "three", "left", 5 * day],
    ["d", "four", "connected", 0],
  );
  const forgotten = (now: number) => planJoin(rows, standings, params("e", "five"), now).forgotten;
  assert.deepEqual(forgotten(6 * day), []);
  assert.deepEqual(forgotten(8 * day), ["a"]);
  assert.deepEqual(forgotten(91 * day), ["a", "b", "c"]);
});

test("names, services and labels of a drone are checked", () => {
  const good = params("a", "web");
  checkJoin(good);
  const labels = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`l${at}`, "x"]));
  for (const bad of [{ name: "a/b" }, { service: "" }, { labels: { "a b": "c" } }, { labels }]) {
    assert.throws(() => checkJoin({ ...good, ...bad }), { code: "BAD_NAME" });
  }
});
