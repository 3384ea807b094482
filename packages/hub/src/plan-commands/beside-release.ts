/** What runs beside a release: one more service of it, and commands that run to their end. */
import { serviceSchema } from "@propagit/protocol";
import { described, list, object, text, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";
import { droneWords, whichDrones } from "./kit/drone-words.js";
import { exampleWords, named, neededWords, releaseWords } from "./kit/release-words.js";

const variables = described(
  "Names of variables that it has; their values are with who asks, and in no plan.",
  withDefault(list(text({ max: 128 }), 1_000), []),
);
/** A fetch, and as long as a service may take to be ready. */
const spawnTimeoutMs = 60 * 60_000;
const runCharsMax = 16_384;
const runWordsMax = 200;

export const spawnService = defineCommand({
  name: "spawn-service",
  summary: "Keeps one more command running beside the services of a release.",
  args: object(
    {
      ...releaseWords,
      service: described("What runs, as a manifest would say it.", checkedBy(serviceSchema)),
      ...droneWords,
      variables,
    },
    [...neededWords, "service"],
  ),
  describe: ({ service, drones, ...words }) =>
    `would start ${service.name} beside ${named(words)} on ${whichDrones(drones)}`,
  run: byHub,
  timeoutMs: spawnTimeoutMs,
  example: {
    ...exampleWords,
    service: {
      name: "admin",
      command: ["node", "admin.js"],
      instances: { count: 1, per: "drone" },
      on: [],
      ports: [],
      ready: "alive",
      readyTimeoutMs: 30_000,
      stop: { signal: "SIGTERM", deadlineMs: 10_000 },
      restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
      env: {},
      after: [],
    },
    drones: ["web-1"],
  },
});

export const runInRelease = defineCommand({
  name: "run-in-release",
  summary:
    "Runs a command to its end in a release, while somebody looks on: only `propagit run` and `exec` carry it out.",
  args: object(
    {
      ...releaseWords,
      run: described(
        "The command and its arguments.",
        // As `grep '' FILE` has one, words may be empty.
        list(text({ min: 0, max: runCharsMax }), runWordsMax),
      ),
      ...droneWords,
      service: described("Whose environment it has (the first).", text({ max: 63 })),
      inside: described("Inside running instances (false).", withDefault(yesNo, false)),
      variables,
    },
    [...neededWords, "run"],
  ),
  describe: ({ run, drones, inside, ...words }) =>
    `would run ${run.join(" ")} ${inside ? "inside instances of" : "beside"} ${named(words)} on ${whichDrones(drones)}`,
  run: byHub,
  example: { ...exampleWords, run: ["node", "migrate.js"], drones: ["web-1"] },
});
