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
} from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { openProject, readProjectConfiguration, wishOf } from "./project.js";
import { readTextFile } from "./read-text.js";
import { wantsGenerator, type SourceFlags } from "./source-flags.js";

export interface Planned {
  readonly plan: Plan;
  readonly commands: Commands;
  /** Where the project's commands come from. */
  readonly folder: string;
  /** It was given, not made. */
  readonly isGiven: boolean;
}

/** Who says something while a plan is made: the configuration, or a generator. */
export type LogOf = (who: string) => Log;

/** @throws BAD_PLAN, BAD_CONFIG, BAD_USAGE, HOST_LOST, HOST_DENIED */
export async function planned(
  file: string | undefined,
  flags: SourceFlags,
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
  if (file !== undefined) {
    const name = file === "-" ? "standard input" : file;
    return {
      plan: readPlan({ file: name, text: readTextFile(file) }, commands),
      commands,
      folder,
      isGiven: true,
    };
  }
  if (!isOfGenerator && project.generators.size === 0) {
    throw new PropagitError("BAD_USAGE", "no plan is given", {
      hint: "give a file, or write a generator in propagit.config.ts: docs/config.md",
    });
  }
  const configuration = readProjectConfiguration(project, flags, logOf("config"));
  const wish = wishOf(flags, configuration);
  const world = lookingWorld(logOf(configuration.generator.name));
  try {
    const plan = await generatePlan(configuration, { ...wish, world, commands });
    return { plan, commands, folder, isGiven: false };
  } finally {
    await world.close();
  }
}

/** Hosts are only looked at, and only when a generator asks for versions. */
function lookingWorld(log: Log): PlannerWorld & { close(): Promise<void> } {
  const hosts = openSshHosts();
  return {
    log,
    look: (host) => hostView(host === undefined ? localHost() : hosts.host(host)),
    close: () => hosts.close(),
  };
}
