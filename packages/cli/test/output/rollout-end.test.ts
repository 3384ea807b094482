import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroneOutcome, RolloutPhase, RolloutResult } from "@propagit/protocol";
import { endError, formatEnd } from "../../src/output/rollout-end.js";
import { ready } from "../support/samples.js";

describe("the end of a rollout", () => {
  it("says where it is ready, who gets it, how long it took and where to find it", () => {
    assert.equal(
      formatEnd({ ...ready, hosts: ["webapp.example.com"] }, 12_300),
      "webapp 74336bc is ready on 1 drone; visitors get it\nrelease 14 in 12 s\n  webapp.example.com\n",
    );
    assert.match(
      formatEnd({ ...ready, release: 1 }, undefined),
      /is ready on 1 drone; it is the first one, so visitors get it\nrelease 1\n/,
    );
    assert.match(
      formatEnd({ ...ready, promoted: false, environment: "staging" }, undefined),
      /visitors stay where they are until: propagit promote webapp 74336bc -e staging/,
    );
    assert.match(
      formatEnd({ ...ready, promoted: false, stepping: true }, undefined),
      /is ready on 1 drone; its visitors come step by step: propagit rollout status webapp --follow\n/,
    );
  });

  it("says that nothing changed", () => {
    assert.equal(
      formatEnd({ ...ready, outcome: "unchanged" }, 100),
      "webapp 74336bc runs already on 1 drone; nothing changed\n",
    );
    assert.equal(endError({ ...ready, outcome: "unchanged" }, undefined), undefined);
  });

  it("shows the last output of what failed", () => {
    const failed: RolloutResult = { ...ready, outcome: "failed", lastLines: ["no\u001B[2J disk"] };
    assert.equal(formatEnd(failed, 100), "  | no disk\n");
  });

  const failures: readonly (readonly [RolloutPhase | undefined, string])[] = [
    ["building", "BUILD_FAILED"],
    ["testing", "TEST_FAILED"],
    ["releasing", "RELEASE_FAILED"],
    ["starting", "DEPLOY_FAILED"],
    ["queued", "DEPLOY_FAILED"],
    [undefined, "DEPLOY_FAILED"],
  ];
  for (const [phase, code] of failures) {
    it(`is ${code} when it failed ${phase ? `while ${phase}` : "before any phase"}`, () => {
      const error = endError({ ...ready, outcome: "failed", reason: "it broke" }, phase);
      assert.equal(error?.code, code);
      assert.match(error?.message ?? "", /it broke/);
      assert.match(error?.hint ?? "", /propagit release show webapp 14/);
    });
  }

  it("names the drones that failed, of very many only some", () => {
    const drones = Array.from({ length: 2_000 }, (_, index): DroneOutcome => ({
      drone: `web-${index}`,
      outcome: "failed",
    }));
    const error = endError({ ...ready, outcome: "failed", drones }, "starting");
    assert.match(
      error?.message ?? "",
      /^webapp 74336bc is not ready on 2000 of 2000 drones: web-0, .* and 1990 more$/,
    );
  });

  it("is an error of its own when it was cancelled or replaced", () => {
    const cancelled = endError({ ...ready, outcome: "cancelled", reason: "by bob" }, "building");
    assert.deepEqual(
      [cancelled?.code, cancelled?.message],
      ["CANCELLED", "release 14 of webapp was cancelled: by bob"],
    );
    assert.equal(endError({ ...ready, outcome: "superseded" }, "queued")?.code, "SUPERSEDED");
  });
});
