/** Commands that are run on drones: what `run`, `exec` and `spawn` share. */
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import {
  parseServiceName,
  PropagitError,
  type Params,
  type Result,
  type RunPart,
  type RunResult,
} from "@propagit/protocol";
import type { Command } from "commander";
import { author } from "./author.js";
import { asFlag, asRepeatedFlag, parseSetting } from "./flags.js";
import { withHubFlags, type HubFlags } from "./hub-call.js";
import { formatNames } from "./output/quantity.js";
import type { ChangeOf } from "./plans/dry-run.js";
import { plainText } from "./output/text-width.js";
import {
  droneTarget,
  environmentOf,
  parseRepoRelease,
  withDroneFlags,
  withLongEnvironmentFlag,
  type DroneFlags,
  type EnvironmentFlags,
  type RepoRelease,
} from "./targets.js";

/** What the flags of `exec`, `run` and `spawn` have in common. */
export interface RemoteFlags extends HubFlags, EnvironmentFlags, DroneFlags {}

/** Adds the release and the command that it is about, and `--hub`, `--environment`, `--drone`, `--label`. */
export function withRemoteCommand(command: Command): Command {
  const about = command
    .argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease))
    .argument("[command...]", "the command, after `--`")
    .usage("[options] <repo> -- <command...>");
  return withDroneFlags(withLongEnvironmentFlag(withHubFlags(about)));
}

/** One service, whose environment, folder and user a command has. */
export interface OneServiceFlags {
  readonly service?: string;
}

export function withOneService(command: Command): Command {
  return command.option(
    "--service <name>",
    "service whose environment it has (default: the first)",
    asFlag(parseServiceName),
  );
}

export function withVariables(command: Command): Command {
  return command.option(
    "--env <NAME=VALUE>",
    "variable for the command; may be repeated",
    asRepeatedFlag(parseSetting),
  );
}

/** What `exec` and `run` ask of the hub alike. */
export function runTarget(
  what: RepoRelease,
  flags: RemoteFlags & OneServiceFlags,
): Pick<RunParams, "stream" | "repo" | "release" | "environment" | "service" | "drones" | "by"> {
  return {
    stream: randomBytes(16).toString("hex"),
    ...what,
    ...environmentOf(flags),
    ...(flags.service !== undefined && { service: flags.service }),
    drones: droneTarget(flags) ?? {},
    by: author(),
  };
}

/** What of it a plan shows: not the values of variables. */
export function runChange(params: RunParams): ChangeOf<"run"> {
  const { stream: _, terminal: __, input: ___, by: ____, env, ...asked } = params;
  return { kind: "run", ...asked, variables: Object.keys(env) };
}

/** @throws BAD_USAGE */
export function checkCommand(name: string, words: readonly string[]): string[] {
  if (words.length > 0 && words.length <= wordsMax) return [...words];
  const why = words.length === 0 ? "needs a command to run" : `takes at most ${wordsMax} words`;
  throw new PropagitError("BAD_USAGE", `${name} ${why}`, {
    hint: `add it after \`--\`: propagit ${name} webapp -- node --version`,
  });
}

/** As the protocol allows it. */
const wordsMax = 200;

/** The exit code that a shell would see: 128 and its number when a signal ended it. */
export function exitCodeOf({ code, signal }: RunResult): number {
  if (signal === undefined) return code;
  const number = (constants.signals as Readonly<Record<string, number>>)[signal];
  return number === undefined ? 1 : 128 + number;
}

/** Drones where the command could not be run at all. */
export function failureOf({ failed }: Result<"hub.run">): PropagitError | undefined {
  const [first] = failed;
  if (!first) return undefined;
  const reasons = failed.map(({ drone, reason }) => `${drone}: ${plainText(reason)}`);
  return new PropagitError("COMMAND_FAILED", `it could not be run on ${formatNames(reasons, 5)}`);
}

export type RunParams = Params<"hub.run">;
export type OutputPart = Extract<RunPart, { kind: "output" }>;
