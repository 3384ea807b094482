import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroneProgress } from "@propagit/protocol";
import { Crowd } from "../../src/output/crowd.js";
import { drone } from "../support/samples.js";

const step = (name: string, phase: DroneProgress["phase"] = "started") =>
  drone(name, phase) as DroneProgress & { readonly kind: "drone" };

describe("a crowd of drones", () => {
  it("has lines for the first ones, and for whatever goes wrong", () => {
    const crowd = new Crowd();
    const names = Array.from({ length: 2_000 }, (_, index) => `web-${index}`);
    assert.equal(names.filter((name) => crowd.isTold(step(name))).length, 50);
    assert.equal(crowd.isTold(step("web-3", "ready")), true);
    assert.equal(crowd.isTold(step("web-1999", "ready")), false);
    assert.equal(crowd.isTold(step("web-1999", "failed")), true);
    assert.equal(crowd.isTold(step("web-1998", "away")), true);
  });

  it("is counted now and then", () => {
    const crowd = new Crowd();
    const moments = [0, 1_000, 4_999, 5_000, 9_999, 10_000];
    assert.deepEqual(
      moments.filter((at) => crowd.isCountDue(at)),
      [0, 5_000, 10_000],
    );
  });
});
