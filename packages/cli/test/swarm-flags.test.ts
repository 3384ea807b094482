/** Flags of drones and relays for the swarm: what is taken, and what is refused with which words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { parseRate, swarmOf, withSwarmFlags, withSwarmPortFlag } from "../src/swarm-flags.js";
import type { SwarmFlags } from "../src/swarm-flags.js";

function parse(...words: string[]) {
  const command = withSwarmFlags(withSwarmPortFlag(new Command("drone"))).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  return swarmOf(command.parse(words, { from: "user" }).opts<SwarmFlags>());
}

test("bounds are rates in decimal or binary units", () => {
  assert.deepEqual(parse(), {});
  assert.deepEqual(parse("--swarm-port=7001", "--swarm-upload=10MB", "--swarm-download=1.5MiB"), {
    port: 7_001,
    sendBytesPerSecondMax: 10_000_000,
    receiveBytesPerSecondMax: 1_572_864,
  });
  assert.equal(parse("--no-swarm"), false);
});

test("a rate at which nothing would ever arrive is refused by its own words", () => {
  assert.equal(parseRate("10KB"), 10_000);
  for (const text of ["1KB", "9KiB"]) {
    assert.throws(() => parseRate(text), {
      code: "BAD_USAGE",
      message: `${text} per second is too little for pieces of commits`,
    });
  }
});

test("who takes no part has no port and no bounds", () => {
  for (const flag of ["--swarm-port=7001", "--swarm-upload=1MB", "--swarm-download=1MB"]) {
    assert.throws(() => parse("--no-swarm", flag), /--no-swarm' cannot be used with/);
  }
});
