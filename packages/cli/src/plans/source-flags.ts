/** Flags that say which plan is meant, and of what it is made. */
import { isAbsolute, resolve } from "node:path";
import type { PlanReading } from "@propagit/plan";
import { PropagitError, quote } from "@propagit/protocol";
import type { Command } from "commander";
import { shortEnvironment } from "../environment-flag.js";
import { asFlag, asRepeatedFlag } from "../flags.js";

export interface SourceFlags {
  readonly project?: string;
  readonly generator?: string;
  readonly config?: readonly string[];
  readonly environment?: string;
  readonly set?: readonly string[];
  readonly component?: readonly string[];
  readonly directory?: string;
  readonly hosts?: readonly string[];
  readonly redeploy?: boolean;
  readonly force?: boolean;
  readonly only?: readonly string[];
  readonly without?: readonly string[];
}

/** Flags of what a configuration is put together from. */
export function withConfigFlags(command: Command): Command {
  return command
    .option("--project <folder>", "where propagit.config.ts is (default: here, or further up)")
    .option(
      "--generator <name>",
      "which of its generators makes the plan (default: `generator` of the configuration)",
    )
    .option(
      "-c, --config <file>",
      "configuration, YAML or JSON; again: laid over the one before (default: propagit.deploy.yaml)",
      asRepeatedFlag(String),
    )
    .option(
      "-e, --environment <name>",
      "with the words of this one of its `environments`, also --env",
    )
    .addOption(shortEnvironment())
    .option(
      "--set <key.key=value>",
      "says something over the files; again for more",
      asRepeatedFlag(parseSet),
    );
}

/** Flags of what a generator is asked for. */
export function withWishFlags(command: Command): Command {
  return command
    .option(
      "--component <package>",
      "what is deployed: NAME@VERSION, or a file NAME-VERSION.tar.gz; again for more",
      asRepeatedFlag(String),
    )
    .option("--directory <folder>", "all packages in it: NAME-VERSION.tar.gz and the like")
    .option("--hosts <names>", "only these, with commas between", asFlag(parseNames))
    .option("--redeploy", "also where that version is already")
    .option("--force", "also what the generator would refuse");
}

/** Flags of which of its tasks are meant, wherever the plan comes from. */
export function withChoiceFlags(command: Command): Command {
  return command
    .option(
      "--only <words>",
      "only tasks with such a tag, or of a command of that name; with commas between",
      asFlag(parseNames),
    )
    .option(
      "--without <words>",
      "without tasks with such a tag, or of a command of that name: drain,undrain",
      asFlag(parseNames),
    );
}

export function choiceOf({ only, without }: SourceFlags): Pick<PlanReading, "choice"> {
  if (!only && !without) return {};
  return { choice: { ...(only && { only }), ...(without && { without }) } };
}

/** Whether anything was said that only a generator understands. */
export function wantsGenerator(flags: SourceFlags): boolean {
  const { generator, config, environment, set, component, directory, hosts, redeploy, force } =
    flags;
  const said = [generator, config, environment, set, component, directory, hosts, redeploy, force];
  return said.some((flag) => flag !== undefined);
}

export function absolute(path: string, folder = process.cwd()): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

function parseSet(text: string): string {
  if (text.indexOf("=") > 0) return text;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form KEY.KEY=VALUE`);
}

function parseNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "")) return names;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no list of names such as fe001,fe002`);
}
