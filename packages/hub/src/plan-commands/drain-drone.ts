/** A drone that gets nothing new, for work on its machine; and one that gets instances again. */
import { described, object, text } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";

const args = object({ name: described("The drone.", text({ max: 63 })) }, ["name"]);
/** Everything of a drone may have to be started elsewhere first. */
const timeoutMs = 30 * 60_000;

export const drainDrone = defineCommand({
  name: "drain-drone",
  summary: "Gives a drone nothing new, moves away what can run elsewhere, and ends its instances.",
  args,
  describe: ({ name }) => `would move everything away from ${name}`,
  run: byHub,
  undo: ({ name }) => [{ command: "undrain-drone", name }],
  timeoutMs,
  example: { name: "web-1" },
});

export const undrainDrone = defineCommand({
  name: "undrain-drone",
  summary: "Lets a drone have instances again.",
  args,
  describe: ({ name }) => `would give ${name} instances again`,
  run: byHub,
  undo: ({ name }) => [{ command: "drain-drone", name }],
  timeoutMs,
  example: { name: "web-1" },
});
