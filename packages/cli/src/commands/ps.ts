import type { DroneSummary, InstanceSummary, InstanceTarget } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { dimColour } from "../output/colour.js";
import { formatInstanceList, formatInstanceTree } from "../output/instances.js";
import { print, printJson } from "../output/print.js";
import { formatNames } from "../output/quantity.js";
import {
  instanceTarget,
  parseRepoRelease,
  withTargetFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

interface PsFlags extends HubFlags, TargetFlags {
  readonly flat?: boolean;
  readonly json?: boolean;
}

export function psCommand(): Command {
  const command = withTargetFlags(
    withHubFlags(
      new Command("ps")
        .summary("what runs where, since when, and who is sent there")
        .description(
          "Shows every instance as its drone reports it: by repository, release and service, with its drone, address, health, restarts, and what it uses of processor and memory. Drones without any are listed below.",
        )
        .argument(
          "[repo]",
          "a repository, or REPO@RELEASE (default: all)",
          asFlag(parseRepoRelease),
        ),
    ),
  )
    .option("--flat", "a line for each instance with all of its place, and its id")
    .option("--json", "print it as JSON");
  return examples(command, ["propagit ps", "propagit ps webapp@14 --drone=web-1 --flat"]).action(
    ps,
  );
}

async function ps(what: RepoRelease | undefined, flags: PsFlags): Promise<void> {
  const target = instanceTarget(what ?? {}, flags);
  const isAll = Object.keys(target).length === 0;
  const { instances, idle } = await withHub(flags, async (hub) => ({
    instances: await fetchInstances(hub, target),
    idle: isAll && !flags.json ? await fetchIdle(hub) : [],
  }));
  if (flags.json) return printJson(instances);
  const format = flags.flat ? formatInstanceList : formatInstanceTree;
  if (instances.length > 0) print(format(instances, Date.now()));
  else print(isAll ? nothingRuns : nothingFits);
  if (idle.length > 0) print(dimColour(`idle: ${formatNames(idle)}`) + "\n");
}

const nothingRuns = "nothing runs; deploy something: propagit deploy REPO COMMIT\n";
const nothingFits = "nothing that runs fits; see everything with: propagit ps\n";

function fetchInstances(
  hub: Conversation,
  target: InstanceTarget,
): Promise<readonly InstanceSummary[]> {
  return collect<InstanceSummary>(async (onPart) => {
    const { instances } = await hub.call("hub.ps", { target, usage: true }, { onPart });
    return instances;
  });
}

/** Names of the drones that are there and run nothing. */
async function fetchIdle(hub: Conversation): Promise<readonly string[]> {
  const drones = await collect<DroneSummary>(async (onPart) => {
    const { drones } = await hub.call("hub.drones", {}, { onPart });
    return drones;
  });
  return drones
    .filter(({ state, instances }) => state === "connected" && instances === 0)
    .map(({ name }) => name);
}
