import assert from "node:assert/strict";
import { test } from "node:test";
import type { PropagitError, WavesWish } from "@propagit/protocol";
import { Command } from "commander";
import { wavesOf, withWaveFlags, type WaveFlags } from "../../src/plans/wave-flags.js";

function said(...flags: readonly string[]): WavesWish | undefined {
  const command = withWaveFlags(new Command("deploy")).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  return wavesOf(command.parse(flags, { from: "user" }).opts<WaveFlags>()).waves;
}

test("flags say how drones come together; without any it is as the manifest says", () => {
  assert.equal(said(), undefined);
  assert.deepEqual(said("--waves=zone"), { by: { kind: "label", key: "zone" } });
  assert.deepEqual(said("--waves=label:rack"), { by: { kind: "label", key: "rack" } });
  assert.deepEqual(said("--waves=5,25%,100"), { by: { kind: "percent", steps: [5, 25, 100] } });
  assert.deepEqual(said("--waves=once"), { by: { kind: "once" } });
  assert.deepEqual(said("--min-up=3"), { by: { kind: "min-up", minUp: 3 } });
});

test("a canary alone goes before the waves of the manifest, and force says nothing of waves", () => {
  assert.deepEqual(said("--canary-drone=web-1"), { canary: "web-1" });
  assert.deepEqual(said("--force"), { force: true });
});

test("what says nothing, or two things, is refused", () => {
  for (const how of ["racks", "0", "101", "label:", "5,,10", ""]) {
    assert.throws(() => said(`--waves=${how}`), /does not say which drones come together/, how);
  }
  assert.throws(
    () => said("--waves=zone", "--min-up=1"),
    (thrown: PropagitError) => thrown.code === "BAD_USAGE",
  );
});
