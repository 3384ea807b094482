/**
 * The plan that a command line means: a file as it stands, or what a generator makes of the configuration.
 *
 *     FILE ── readPlan ──────────────────────────────────────> Plan
 *     --config, --set, … ── configuration ── generator.generate ──^
 */
import {
  generatePlan,
  hostView,
  localHost,
  openSshHosts,
  readPlan,
  type Commands,
  type Plan,
  type PlannerWorld,
  type RunningInstance,
  type PlanReading,
  type PlanText,
} from "@propagit/plan";
import { environmentDefault, PropagitError, type InstanceSummary } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import { selectionsFor, type SelectFlags } from "./drone-selections.js";
import { openProject, readProjectConfiguration, wishOf } from "./project.js";
import { readTextFile } from "./read-text.js";
import { choiceOf, wantsGenerator, type SourceFlags } from "./source-flags.js";

/** What `-` is called. */
export const standardInput = "standard input";

export interface Planned {
  readonly plan: Plan;
  readonly commands: Commands;
  /** Where the project's commands come from. */
  readonly folder: string;
  /** As it is written, when it was given. */
  readonly source?: PlanText;
  /** How what is written was meant; absent: just so. */
  readonly reading?: PlanReading;
  /** It was given, not made. */
  readonly isGiven: boolean;
}

/** Who says something while a plan is made: the configuration, or a generator. */
export type LogOf = (who: string) => Log;

/** @throws BAD_PLAN, BAD_CONFIG, BAD_USAGE, HOST_LOST, HOST_DENIED */
export async function planned(
  file: string | undefined,
  flags: SourceFlags & SelectFlags,
  logOf: LogOf,
): Promise<Planned> {
  const isOfGenerator = wantsGenerator(flags);
  if (file !== undefined && isOfGenerator) {
    throw new PropagitError("BAD_USAGE", `there is both a plan, ${file}, and what to make one of`, {
      hint: "give the file alone; or leave it out, and the generator makes the plan",
    });
  }
  const project = await openProject(flags.project);
  const { commands, folder } = project;
  const choice = choiceOf(flags);
  if (file !== undefined) {
    const name = file === "-" ? standardInput : file;
    const source = { file: name, text: readTextFile(file) };
    const select = await selectionsFor(source.text, flags);
    const reading = { ...choice, ...(select && { select }) };
    const plan = readPlan(source, commands, reading);
    return { plan, commands, folder, source, reading, isGiven: true };
  }
  if (!isOfGenerator && project.generators.size === 0) {
    throw new PropagitError("BAD_USAGE", "no plan is given", {
      hint: "give a file, or write a generator in propagit.config.ts: docs/config.md",
    });
  }
  const configuration = readProjectConfiguration(project, flags, logOf("config"));
  const wish = wishOf(flags, configuration);
  const world = lookingWorld(logOf(configuration.generator.name), flags);
  try {
    const asked = { ...wish, world, commands, reading: choice };
    const plan = await generatePlan(configuration, asked);
    return { plan, commands, folder, reading: choice, isGiven: false };
  } finally {
    await world.close();
  }
}

/** Hosts and the hub are only looked at, and only when a generator asks. */
function lookingWorld(log: Log, flags: HubFlags): PlannerWorld & { close(): Promise<void> } {
  const hosts = openSshHosts();
  let running: Promise<readonly RunningInstance[]> | undefined;
  return {
    log,
    look: (host) => hostView(host === undefined ? localHost() : hosts.host(host)),
    // A generator sees one state, however often it asks.
    running: () => (running ??= runningOnHub(flags)),
    close: () => hosts.close(),
  };
}

async function runningOnHub(flags: HubFlags): Promise<readonly RunningInstance[]> {
  const found = await withHub(flags, (hub) =>
    collect<InstanceSummary>(
      async (onPart) => (await hub.call("hub.ps", { usage: false }, { onPart })).instances,
    ),
  );
  return found.map(({ drone, away, report }) => {
    const { repo, environment = environmentDefault, service, commit, release, phase } = report;
    const started = release === undefined ? {} : { release };
    return { drone, repo, environment, service, commit, ...started, phase, away };
  });
}
