import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceReport, InstanceTarget } from "@propagit/protocol";
import { findInstances, requireInstances } from "../../src/core/instance-target.js";

const one = "74336bc1db98478e02e69f59e7100895be207389";
const two = "74336bcf00000000000000000000000000000002";
const old = "0100000000000000000000000000000000000000";

function report(process: string, changes: Partial<InstanceReport> = {}): InstanceReport {
  return {
    process,
    repo: "webapp",
    commit: one,
    deployment: "1".repeat(16),
    environment: "production",
    release: 1,
    service: "http",
    phase: "ready",
    services: [],
    restarts: 0,
    since: 0,
    ...changes,
  };
}

function byProcess(...reports: InstanceReport[]) {
  return new Map(reports.map((one) => [one.process, one]));
}

const second = { commit: two, deployment: "2".repeat(16), release: 2 };
const drones = [
  {
    name: "web-1",
    labels: { role: "web" },
    instances: byProcess(
      report("aa11"),
      report("aa22", second),
      report("bb11", { service: "worker" }),
    ),
  },
  {
    name: "web-2",
    labels: {},
    instances: byProcess(
      report("cc11", { environment: "staging" }),
      report("dd11", { repo: "blog", commit: old, deployment: "3".repeat(16) }),
    ),
  },
];
const release = { repo: "webapp", environment: "production" };
const releases = [
  { ...release, number: 1, commit: one, deployment: "1".repeat(16) },
  { ...release, number: 2, commit: two, deployment: "2".repeat(16) },
  // Goes back to 1: its instances are those that 1 started.
  { ...release, number: 3, commit: one, deployment: "1".repeat(16) },
];
const find = (target: InstanceTarget) =>
  findInstances(target, drones, releases).map(({ report: { process } }) => process);

describe("a target of instances", () => {
  for (const [target, processes] of [
    [{}, ["aa11", "aa22", "bb11", "cc11", "dd11"]],
    [{ repo: "blog" }, ["dd11"]],
    [{ repo: "blog.git" }, ["dd11"]],
    [{ repo: "nothing" }, []],
    [{ repo: "webapp", environment: "staging" }, ["cc11"]],
    [{ repo: "webapp", environment: "production", release: "2" }, ["aa22"]],
    [{ repo: "webapp", environment: "production", release: "3" }, ["aa11", "bb11"]],
    [{ repo: "webapp", release: "74336bcf" }, ["aa22"]],
    [{ repo: "webapp", release: "74336BC1" }, ["aa11", "bb11", "cc11"]],
    [{ release: "0100" }, ["dd11"]],
    [{ services: ["worker"] }, ["bb11"]],
    [{ processes: ["aa11", "c"] }, ["aa11", "cc11"]],
    [{ drones: { selector: "role=web" }, services: ["http"] }, ["aa11", "aa22"]],
  ] as const) {
    it(`${JSON.stringify(target)} is ${processes.join(", ") || "none"}`, () => {
      assert.deepEqual(find(target as InstanceTarget), processes);
    });
  }

  for (const [target, code, message] of [
    [{ release: "74336bc" }, "AMBIGUOUS", "74336bc fits the commits 74336bc1db9, 74336bcf000"],
    [{ processes: ["aa"] }, "AMBIGUOUS", '"aa" fits the processes aa11, aa22'],
    [{ processes: ["xx"] }, "NO_INSTANCE", 'no instance there has the process id "xx"'],
    [{ processes: [""] }, "NO_INSTANCE", 'no instance there has the process id ""'],
    [{ repo: "webapp", release: "9" }, "NO_RELEASE", 'there is no release "9" of webapp'],
    [{ repo: "webapp", release: "main" }, "NO_RELEASE", 'there is no release "main" of webapp'],
    [{ drones: { names: ["x"] } }, "NO_PLACE", 'no drone is called "x"; there are web-1, web-2'],
    [
      { repo: "blog", services: ["htpt"] },
      "NO_INSTANCE",
      "no instance of service htpt; there are http",
    ],
    [
      { repo: "x", services: ["http"] },
      "NO_INSTANCE",
      "no instance of service http; nothing runs there",
    ],
  ] as const) {
    it(`${JSON.stringify(target)} is ${code}`, () => {
      assert.throws(() => find(target as InstanceTarget), { code, message });
    });
  }

  it("that must not be empty says what was asked for", () => {
    const target = { repo: "blog", environment: "staging" };
    assert.throws(() => requireInstances(target, drones, releases), {
      code: "NO_INSTANCE",
      message: 'no instance fits repository "blog", environment "staging"',
    });
    assert.equal(requireInstances({}, drones, releases).length, 5);
  });
});
