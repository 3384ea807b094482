/** What a release is made of, in the order in which its plan does it; carried out by `release-tasks.ts`. */
import type { Command } from "@propagit/plan";
import { buildRelease } from "./build.js";
import { closeRelease } from "./close-release.js";
import { openRelease } from "./open-release.js";
import { releaseStep } from "./release-step.js";
import { shiftTraffic } from "./shift-traffic.js";
import { startRelease } from "./start.js";
import { testRelease } from "./test.js";
import { undoRelease } from "./undo-release.js";
import { waitHealthy } from "./wait-healthy.js";

export const releaseCommands: readonly Command[] = [
  openRelease,
  buildRelease,
  testRelease,
  releaseStep,
  startRelease,
  waitHealthy,
  shiftTraffic,
  closeRelease,
  undoRelease,
];
