import assert from "node:assert/strict";
import { test } from "node:test";
import { Draft, type LedgerRows } from "../../src/core/draft.js";
import { forgetDrones } from "../../src/core/membership.js";
import { holdKey, spawnedKey, type Row, type TableName } from "../../src/core/rows.js";
import { service } from "../support/specifications.js";

const deployment = "0d1c2b3a49586776";
const rows: LedgerRows = { rows: <T extends TableName>() => new Map<string, Row<T>>() };

test("a drone that is forgotten takes along what was ended or started by hand on it", () => {
  const draft = new Draft(rows);
  for (const identity of ["a", "b"]) {
    const hold = { deployment, identity, service: "web" };
    draft.put("holds", holdKey(hold), { ...hold, slots: [1] });
  }
  for (const [name, drones] of [
    ["one", ["a"]],
    ["both", ["a", "b"]],
  ] as const) {
    const row = { deployment, service: service(name), drones: [...drones], by: "ann", at: 1 };
    draft.put("spawned", spawnedKey(deployment, name), row);
  }
  forgetDrones(draft, ["a"]);
  assert.deepEqual([...draft.rows("holds").keys()], [`${deployment}/b/web`]);
  const spawned = [...draft.rows("spawned").values()];
  assert.deepEqual(
    spawned.map((row) => [row.service.name, row.drones]),
    [["both", ["b"]]],
  );
});
