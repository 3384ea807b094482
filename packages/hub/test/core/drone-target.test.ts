import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroneTarget } from "@propagit/protocol";
import { chooseDrones } from "../../src/core/drone-target.js";

const drones = [
  { name: "web-1", labels: { role: "web", zone: "a" } },
  { name: "web-2", labels: { role: "web", zone: "b" } },
  { name: "db-1", labels: { role: "db", zone: "a" } },
];
const choose = (target?: DroneTarget) => chooseDrones(target, drones).map(({ name }) => name);

describe("a target of drones", () => {
  for (const [target, names] of [
    [undefined, ["web-1", "web-2", "db-1"]],
    [{}, ["web-1", "web-2", "db-1"]],
    [{ names: ["*"] }, ["web-1", "web-2", "db-1"]],
    [{ names: ["db-1", "web-2"] }, ["web-2", "db-1"]],
    [{ names: ["/^web-/"] }, ["web-1", "web-2"]],
    [{ names: ["/^web-/", "db-1"], selector: "zone=a" }, ["web-1", "db-1"]],
    [{ selector: "role!=web" }, ["db-1"]],
    [{ names: ["/nothing/", "db-1"] }, ["db-1"]],
  ] as const) {
    it(`${JSON.stringify(target)} is ${names.join(", ")}`, () => {
      assert.deepEqual(choose(target as DroneTarget | undefined), names);
    });
  }

  it("that nothing fits is refused, with what there is", () => {
    assert.throws(() => choose({ names: ["/^x/"], selector: "role=web" }), {
      code: "NO_PLACE",
      message: 'no drone fits "/^x/" and "role=web"; there are web-1, web-2, db-1',
    });
  });

  it("with a name that is not there is refused, though others are", () => {
    assert.throws(() => choose({ names: ["web-1", "web-3"] }), {
      code: "NO_PLACE",
      message: 'no drone is called "web-3"; there are web-1, web-2, db-1',
    });
  });

  it("lists ten of many, and says when no drone has joined", () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ name: `d${index}`, labels: {} }));
    const target = { names: ["x"] };
    assert.throws(() => chooseDrones(target, many), {
      message: /there are d0, .*, d9 and 2 more$/,
    });
    assert.throws(() => chooseDrones(target, []), { message: /; no drone has joined$/ });
    assert.deepEqual(chooseDrones({}, []), []);
  });

  it("that cannot be read is refused", () => {
    assert.throws(() => choose({ names: ["/(/"] }), { code: "BAD_PATTERN" });
    assert.throws(() => choose({ selector: "a b" }), { code: "BAD_PATTERN" });
  });
});
