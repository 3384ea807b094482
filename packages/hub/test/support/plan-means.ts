/** Plans of a hub in the simulator: all commands are known, and its own machine only talks. */
import { PropagitError } from "@propagit/protocol";
import { type Host } from "@propagit/plan";
import { hubCommands } from "../../src/plan-commands/hub-commands.js";
import type { PlanMeans } from "../../src/plan-means.js";

const refuse = () => Promise.reject(new PropagitError("TASK_REFUSED", "there is no machine here"));

const nowhere: Host = {
  name: "the hub",
  execute: refuse,
  put: refuse,
  exists: refuse,
  request: refuse,
  send: refuse,
};

export const simPlanMeans: PlanMeans = {
  commands: hubCommands,
  runsPrograms: false,
  hostFor: () => nowhere,
  close: () => Promise.resolve(),
};
