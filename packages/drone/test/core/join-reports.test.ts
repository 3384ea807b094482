import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceReport } from "@propagit/protocol";
import { joinReports } from "../../src/core/join-reports.js";

const failed: InstanceReport = {
  process: "a1",
  repo: "webapp",
  commit: "7".repeat(40),
  service: "web",
  phase: "failed",
  services: [],
  restarts: 3,
  since: 0,
  reason: "exited with code 1",
  lastLines: Array.from({ length: 20 }, () => "x".repeat(500)),
};

describe("the reports of a join", () => {
  it("are whole as long as they fit", () => {
    assert.deepEqual(joinReports([failed, failed]), [failed, failed]);
  });

  it("leave out reasons and output when thousands have failed, so that the drone can join at all", () => {
    const reports = joinReports(Array.from({ length: 4_000 }, () => failed));
    assert.deepEqual(
      Object.keys(failed).filter((key) => !(key in (reports[0] ?? {}))),
      ["reason", "lastLines"],
    );
    assert.ok(JSON.stringify(reports).length < 2 * 1024 * 1024);
  });
});
