import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instancePhases, type InstanceReport } from "@propagit/protocol";
import { describeInstance, instanceEvent } from "../../src/core/instance-event.js";

const report: InstanceReport = {
  process: "c3d4",
  repo: "webapp",
  commit: "74336bc1db98478e02e69f59e7100895be207389",
  deployment: "0d1c2b3a49586776",
  environment: "staging",
  release: 12,
  slot: 2,
  service: "http",
  phase: "ready",
  port: 15194,
  services: [],
  restarts: 0,
  since: 0,
};
const where = {
  repo: "webapp",
  commit: report.commit,
  environment: "staging",
  release: 12,
  drone: "web-1",
};
const what = "http.2 of webapp 74336bc (release 12 in staging)";

describe("an instance in words", () => {
  it("names what is not usual", () => {
    const { environment: _, release: __, slot: ___, ...plain } = report;
    assert.equal(describeInstance(report), what);
    assert.equal(describeInstance(plain), "http of webapp 74336bc");
    assert.equal(
      describeInstance({ ...report, slot: 1, environment: "production" }),
      "http of webapp 74336bc (release 12)",
    );
    assert.equal(
      describeInstance({ ...plain, environment: "staging" }),
      "http of webapp 74336bc (in staging)",
    );
  });
});

describe("the event of an instance", () => {
  it("says where it is ready, why it failed, and that it stopped", () => {
    const failed = { ...report, phase: "failed" as const, reason: "exit code 1" };
    assert.deepEqual(
      [report, failed, { ...report, phase: "stopped" as const }].map((now) =>
        instanceEvent("web-1", undefined, now),
      ),
      [
        { kind: "instance-ready", ...where, text: `${what} is ready on web-1, port 15194` },
        { kind: "instance-failed", ...where, text: `${what} failed on web-1: exit code 1` },
        { kind: "instance-stopped", ...where, text: `${what} stopped on web-1` },
      ],
    );
  });

  it("comes with a change only, and not with what is on its way", () => {
    const events = instancePhases.filter((phase) =>
      instanceEvent("web-1", undefined, { ...report, phase }),
    );
    assert.deepEqual(events, ["ready", "failed", "stopped"]);
    assert.equal(instanceEvent("web-1", report, { ...report, restarts: 1 }), undefined);
  });

  it("is cut when the reason is longer than an event may be", () => {
    const reason = "x".repeat(2_000);
    const event = instanceEvent("web-1", undefined, { ...report, phase: "failed", reason });
    assert.ok(event && event.text.length < 2_000);
  });
});
