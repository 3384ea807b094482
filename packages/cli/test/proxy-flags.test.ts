/** Wrong flags of `propagit proxy`: what, which, why, and what a good one looks like; nothing is tried. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import {
  parseBytes,
  parseNetworks,
  parsePercent,
  parseSpan,
  parseWorkers,
} from "../src/proxy-flags.js";
import { explainAll } from "./support/explain.js";

const hub = "--hub=localhost:1";
const registry = "--registry=localhost:1";

const cases: readonly (readonly [readonly string[], RegExp])[] = [
  [[hub, "--workers=0"], /--workers: "0" is not a whole number from 1 to 256/],
  [[hub, "--workers=many"], /--workers: "many" is not a whole number/],
  [
    [hub, "--trust=10.0.0.0/33"],
    /--trust: "10.0.0.0\/33" is no address or network\n.*10\.0\.0\.0\/8/,
  ],
  [[hub, "--trust=10.0.0.0/8,somewhere"], /"somewhere" is no address or network/],
  [[hub, "--accept-proxy-protocol"], /believes whoever connects\n.*--trust=10\.0\.0\.0\/8/],
  [[hub, "--stale-max=soon"], /--stale-max: "soon" is no span of time above 0\n.*30s, 10m/],
  [[hub, "--stale-max=0s"], /"0s" is no span of time above 0/],
  [[hub, "--stale-max=5"], /--stale-max: "5" has no unit\n.*30s, 10m/],
  [[hub, "--idle-timeout=-1"], /--idle-timeout: "-1" is not a number of seconds above 0/],
  [[hub, "--max-connections=0"], /is not a whole number from 1 to 1000000/],
  [[hub, "--max-connections-per-address=some"], /is not a whole number from 0 to 1000000/],
  [
    [hub, "--access-log-sample=5"],
    /no access log that these flags could be for\n.*--access-log=FILE/,
  ],
  [[hub, "--access-log=-", "--access-log-sample=101"], /"101" is not a percentage from 0 to 100/],
  [[hub, "--access-log=-", "--access-log-size=big"], /"big" is no size\n.*100MB/],
  [[hub, "--metrics-host=0.0.0.0"], /--metrics-host without a page.*\n.*--metrics-port=9100/],
  [[registry], /--registry and --route belong together, without --hub\n.*beep\.example=http/],
  [
    [registry, "--route=a.example=b", "--stale-max=30s"],
    /without a hub cannot miss its word\n.*leave --stale-max out/,
  ],
  [["--route=a=b"], /--registry and --route belong together/],
  [[hub, registry, "--route=a=b"], /--registry and --route belong together/],
  [[registry, "--route=beep.example"], /"beep\.example" is not a route\n.*beep\.example=http@1\.x/],
  [[registry, "--route=bad host=http"], /"bad host=http" is not a route/],
  [[registry, "--route=beep.example=http@x@y"], /is not a range/],
];

describe("wrong flags of a proxy", () => {
  const explained = explainAll(cases.map(([args]) => ["proxy", "--data=/nowhere", ...args]));
  for (const [index, [args, message]] of cases.entries()) {
    it(`are explained: propagit proxy ${args.join(" ")}`, () => {
      const { code, stdout, stderr } = explained[index] ?? assert.fail("nothing was explained");
      assert.equal(code, exitCodes.usage, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
    });
  }
});

describe("flags of a proxy", () => {
  it("are read", () => {
    assert.equal(parseWorkers("4"), 4);
    assert.ok(parseWorkers("auto") >= 1);
    assert.deepEqual(parseNetworks("10.0.0.0/8, 2001:db8::/32,192.0.2.7"), [
      "10.0.0.0/8",
      "2001:db8::/32",
      "192.0.2.7",
    ]);
    assert.deepEqual(
      ["30s", "10m", "2h", "1d", "0.5s"].map(parseSpan),
      [30_000, 600_000, 7_200_000, 86_400_000, 500],
    );
    assert.deepEqual(["5", "0.1%", "100"].map(parsePercent), [5, 0.1, 100]);
    assert.deepEqual(["500KB", "1.5MB", "1gb"].map(parseBytes), [500_000, 1_500_000, 1e9]);
    assert.deepEqual(["2KiB", "1.5MiB", "1gib"].map(parseBytes), [2_048, 1_572_864, 2 ** 30]);
  });
});
