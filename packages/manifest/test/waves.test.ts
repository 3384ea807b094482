import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MinUp, PropagitError, WaveRulesSaid } from "@propagit/protocol";
import { readManifest, specificationOf } from "../src/index.js";

function read(yaml: string, environment = "production") {
  return specificationOf(readManifest(new Map([["propagit.yaml", yaml]])), environment);
}

function refusal(yaml: string): string {
  try {
    read(yaml);
  } catch (thrown) {
    return (thrown as PropagitError).message;
  }
  return "nothing is refused";
}

const zones = { kind: "label", key: "zone" } as const;

const waves: readonly (readonly [string, WaveRulesSaid])[] = [
  ["waves: zone", { by: zones }],
  ["waves: label:rack", { by: { kind: "label", key: "rack" } }],
  ["waves: [10%, 50%, 100%]", { by: { kind: "percent", steps: [10, 50, 100] } }],
  ["waves: { by: 25 }", { by: { kind: "percent", steps: [25] } }],
  ["waves: { by: zone, canary: web-1 }", { by: zones, canary: "web-1" }],
  ["waves: { canary: web-1 }", { canary: "web-1" }],
  ["waves: { by: zone, after: 10m }", { by: zones, afterMs: 600_000 }],
];

const service = (line: string) => `services: { web: { command: x, ${line} } }`;

const minUps: readonly (readonly [string, MinUp])[] = [
  ["minUp: 3", { instances: 3 }],
  ["minUp: 0", { instances: 0 }],
  ["minUp: 75%", { percent: 75 }],
  ["instances: 4 total, minUp: 3", { instances: 3 }],
  ["instances: 2, minUp: 5", { instances: 5 }],
];

const refused: readonly (readonly [string, RegExp])[] = [
  ["waves: racks", /:1:8: `waves\.by` "racks" does not say which drones come together: `zone`/],
  ["waves: [50%, 10%]", /:1:8: `waves\.by`: the percentages do not rise/],
  ["waves: [zone, 10%]", /:1:8: `waves\.by` is one of `zone`, `label:KEY`, and a list of percent/],
  ["waves: [0%]", /"0%" does not say/],
  ["waves: { by: zone, after: 10 }", /`waves\.after` .*10/],
  ["waves: { after: 10m }", /:1:8: `waves` says neither `by` nor `canary`/],
  ["waves: {}", /:1:8: `waves` says neither `by` nor `canary`/],
  ["waves: { canary: a b }", /`waves\.canary` "a b" cannot be the name of a drone/],
  [service("minUp: most"), /`services\.web\.minUp` "most" is not a number of instances/],
  [service("minUp: 100%"), /`services\.web\.minUp` "100%" leaves none that may be replaced/],
  [
    service("instances: 3 total, minUp: 3"),
    /`services\.web` keeps 3 of 3 instances up, so none may ever be replaced; let fewer stay up/,
  ],
  [service("instances: 2 total, minUp: 75%"), /`services\.web` keeps 2 of 2 instances up/],
];

describe("waves in propagit.yaml", () => {
  for (const [line, said] of waves) {
    it(`takes ${line}`, () => assert.deepEqual(read(line).waves, said));
  }

  for (const [line, said] of minUps) {
    it(`takes ${line}`, () => assert.deepEqual(read(service(line)).services[0]?.minUp, said));
  }

  for (const [line, says] of refused) {
    it(`refuses ${line}`, () => assert.match(refusal(line), says));
  }

  it("are absent when nothing is said, so that all drones come at once", () => {
    const { waves: none, services } = read(service("port: none"));
    assert.deepEqual([none, services[0]?.minUp], [undefined, undefined]);
  });

  it("may differ between environments, and be taken away there", () => {
    const yaml = `services: { web: { command: x, minUp: 2 } }
waves: { by: zone, canary: web-1 }
environments:
  staging: { waves: null, services: { web: { minUp: null } } }
  preview: { waves: { by: [50%] } }
`;
    assert.deepEqual(read(yaml).waves, { by: zones, canary: "web-1" });
    const staging = read(yaml, "staging");
    assert.deepEqual([staging.waves, staging.services[0]?.minUp], [undefined, undefined]);
    const by = { kind: "percent", steps: [50] };
    assert.deepEqual(read(yaml, "preview").waves, { by, canary: "web-1" });
  });
});
