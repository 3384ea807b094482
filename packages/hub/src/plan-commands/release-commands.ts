/** What a release is made of, in the order in which its plan does it; carried out by `release-tasks.ts`. */
import type { Command } from "@propagit/plan";
import { releaseCommand, releaseOnDrones } from "./kit/release-command.js";
import { openRelease } from "./open-release.js";

export const releaseCommands: readonly Command[] = [
  openRelease,
  releaseCommand({
    name: "build",
    summary: "Builds a release on a drone that fits, unless that was done already.",
    would: (release) => `would build ${release}`,
  }),
  releaseCommand({
    name: "test",
    summary:
      "Runs the test command of a release on a drone that fits, unless what it runs was tested before.",
    would: (release) => `would test ${release}`,
  }),
  releaseCommand({
    name: "release-step",
    summary: "Runs the release command of a manifest, such as a migration, on one drone and once.",
    would: (release) => `would run the release command of ${release}`,
    // Nobody can know how far it came when its drone is lost.
    once: true,
  }),
  releaseOnDrones({
    name: "distribute-release",
    summary:
      "Has drones fetch what a release runs, ahead of its start; one that is away, or cannot, is told and left.",
    would: (release, drones) => `would have ${drones} fetch ${release} ahead`,
    timeoutMs: 60 * 60_000,
  }),
  releaseOnDrones({
    name: "start",
    summary: "Wants a release to run on drones; those that fit begin to fetch and start it.",
    would: (release, drones) => `would start ${release} on ${drones}`,
  }),
  releaseOnDrones({
    name: "restart-release",
    summary:
      "Restarts the instances of a release that run on drones: on each drone one after the other, each ready before the next.",
    would: (release, drones) => `would restart ${release} on ${drones}`,
  }),
  releaseOnDrones({
    name: "wait-healthy",
    summary:
      "Waits until a release is ready on drones, services in the order of their `after`; fails when one of them fails for good, or takes too long.",
    would: (release, drones) => `would wait until ${release} is ready on ${drones}`,
  }),
  releaseCommand({
    name: "shift-traffic",
    // In one write.
    summary:
      "Waits until every proxy sees a release, then makes it ready and sends visitors to it, as its manifest says.",
    would: (release) => `would send visitors to ${release}`,
  }),
  releaseCommand({
    name: "close-release",
    summary:
      "Makes a release ready that no visitors are sent to: it has its own URL, and its branch leads to it.",
    would: (release) => `would end ${release}, and leave visitors where they are`,
  }),
  releaseCommand({
    name: "undo-release",
    summary:
      "Takes back what a release changed, waits until that is gone, and ends the release with its first reason.",
    would: (release) => `would put back what ${release} changed`,
  }),
];
