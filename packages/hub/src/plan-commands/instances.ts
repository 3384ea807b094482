/** Single instances: ended and kept so, started again, restarted. */
import { described, object, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { instanceWords, namedInstances, targetOf, targetWords } from "./kit/instance-words.js";

const example = { repo: "webapp", services: ["worker"], drones: ["web-1"] } as const;
/** Each has the time of its farewell and of its start, and on a drone one goes after the other. */
const restartTimeoutMs = 6 * 60 * 60_000;

const force = described(
  "Also the last ones that visitors are sent to (false).",
  withDefault(yesNo, false),
);

export const stopInstances = defineCommand({
  name: "stop-instances",
  summary: "Ends instances that fit, and keeps them ended until they are started again.",
  args: object({ ...instanceWords, force }),
  describe: (words) => `would stop ${namedInstances(words)}`,
  run: byHub,
  undo: (words) => [{ command: "start-instances", ...targetWords(targetOf(words)) }],
  example,
});

export const startInstances = defineCommand({
  name: "start-instances",
  summary: "Starts instances again that were ended one by one.",
  args: object(instanceWords),
  describe: (words) => `would start what was stopped by hand of ${namedInstances(words)}`,
  run: byHub,
  example,
});

export const restartInstances = defineCommand({
  name: "restart-instances",
  summary:
    "Restarts instances that fit, on each drone one after the other; of what visitors get unless a release or processes are named.",
  args: object(instanceWords),
  describe: (words) => `would restart ${namedInstances(words)}`,
  run: byHub,
  timeoutMs: restartTimeoutMs,
  example,
});
