import assert from "node:assert/strict";
import { test } from "node:test";
import { commits, SimHub } from "./support/sim-hub.js";

test("a deploy tells each step of each drone and ends when all are ready", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  const { result, lines } = await hub.deploy("one");
  assert.deepEqual(result, {
    repo: "webapp",
    commit: commits.one,
    outcome: "ready",
    promoted: true,
    drones: [
      { drone: "web-1", outcome: "ready", port: 10_000 },
      { drone: "web-2", outcome: "ready", port: 10_000 },
    ],
  });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("web-1")),
    ["web-1: fetched", "web-1: checked out", "web-1: ready"],
  );
});
