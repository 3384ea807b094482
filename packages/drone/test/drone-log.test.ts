/** What a drone says of its way to the hub. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkState } from "@propagit/runtime";
import { DroneLog } from "../src/drone-log.js";
import type { DroneWorld } from "../src/world.js";

const hub = { host: "hub", port: 6001 };
const relay = { host: "b1", port: 6001 };

function openLog() {
  const lines: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(`! ${line}`),
  };
  const world = { clock: { monotonic: () => 0 }, log } as unknown as DroneWorld;
  return { lines, log: new DroneLog(world) };
}

const waiting = (message: string): Extract<LinkState, { kind: "waiting" }> => ({
  kind: "waiting",
  reason: { code: "LINK_LOST", message, hint: "" },
  retryMs: 100,
  again: true,
  address: hub,
});

test("says of a lost hub what is wrong, and of a better way that it goes there", () => {
  const { lines, log } = openLog();
  log.away({ ...waiting("it moves to b1:6001"), movesTo: relay }, hub);
  log.away(waiting("closed (1006)"), hub);
  assert.deepEqual(lines, [
    "moves to a better way to the hub: b1:6001 instead of hub:6001",
    "! no connection to the hub at hub:6001: closed (1006); trying again, instances keep running",
  ]);
});
