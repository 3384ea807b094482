/** Which releases, instances and drones a command is about: the arguments and flags that all of them share. */
import {
  environmentDefault,
  parseDroneName,
  parseRepoName,
  parseSelector,
  parseServiceName,
  PropagitError,
  quote,
  type DroneTarget,
  type InstanceTarget,
} from "@propagit/protocol";
import type { Command } from "commander";
import { shortEnvironment } from "./environment-flag.js";
import { asFlag, asRepeatedFlag } from "./flags.js";

export interface EnvironmentFlags {
  readonly environment?: string;
}

export interface DroneFlags {
  /** One list for each time the flag was given. */
  readonly drone?: readonly (readonly string[])[];
  readonly label?: string;
}

interface ServiceFlags {
  readonly service?: readonly (readonly string[])[];
}

export interface TargetFlags extends EnvironmentFlags, DroneFlags, ServiceFlags {}

/** What `REPO@RELEASE` names. */
export interface RepoRelease {
  readonly repo: string;
  /** A number, or a commit as a user writes it. */
  readonly release?: string;
}

export function withEnvironmentFlag(command: Command, missing = environmentDefault): Command {
  const described = `environment, also --env (default: ${missing})`;
  return command
    .option("-e, --environment <name>", described, asFlag(parseEnvironment))
    .addOption(shortEnvironment().argParser(asFlag(parseEnvironment)));
}

/** For commands whose `--env` sets variables. */
export function withLongEnvironmentFlag(command: Command): Command {
  return command.option(
    "-e, --environment <name>",
    `environment (default: ${environmentDefault})`,
    asFlag(parseEnvironment),
  );
}

export function withDroneFlags(command: Command): Command {
  return command
    .option(
      "--drone <names>",
      "drones: names, a list a,b, `*`, or /regex/; may be repeated",
      asRepeatedFlag(parseDroneNames),
    )
    .option(
      "--label <selector>",
      "drones with these labels: `role=web, zone in (a,b), !gpu`",
      asFlag(checkSelector),
    );
}

function withServiceFlag(command: Command): Command {
  return command.option(
    "--service <names>",
    "services: a name or a list a,b; may be repeated",
    asRepeatedFlag(parseServiceNames),
  );
}

/** `--environment`, `--service`, `--drone`, `--label`. */
export function withTargetFlags(command: Command): Command {
  return withDroneFlags(withServiceFlag(withEnvironmentFlag(command)));
}

/** `REPO`, or `REPO@RELEASE` with the number of a release or a commit. @throws BAD_NAME, BAD_USAGE */
export function parseRepoRelease(text: string): RepoRelease {
  const at = text.indexOf("@");
  if (at < 0) return { repo: parseRepoName(text) };
  const release = text.slice(at + 1);
  if (release === "" || release.length > 250) {
    throw new PropagitError("BAD_USAGE", `${quote(text)} names no release behind the @`, {
      hint: "write it like webapp@14 or webapp@74336bc; see `propagit releases`",
    });
  }
  return { repo: parseRepoName(text.slice(0, at)), release };
}

/** The number of a release, as arguments name it. @throws BAD_USAGE */
export function parseReleaseNumber(text: string): number {
  const number = Number(text);
  if (/^[1-9]\d{0,9}$/.test(text)) return number;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not the number of a release`, {
    hint: "see the numbers with `propagit releases REPO`",
  });
}

/** What is left out fits everything. */
export function instanceTarget(
  { repo, release }: Partial<RepoRelease>,
  flags: TargetFlags,
  processes: readonly string[] = [],
): InstanceTarget {
  const drones = droneTarget(flags);
  const services = flags.service?.flat();
  return {
    ...(repo !== undefined && { repo }),
    ...(release !== undefined && { release }),
    ...(flags.environment !== undefined && { environment: flags.environment }),
    ...(services && { services }),
    ...(processes.length > 0 && { processes: [...processes] }),
    ...(drones && { drones }),
  };
}

/** Undefined: every drone. */
export function droneTarget({ drone, label }: DroneFlags): DroneTarget | undefined {
  const names = drone?.flat();
  if (names === undefined && label === undefined) return undefined;
  return { ...(names && { names }), ...(label !== undefined && { selector: label }) };
}

/** `environment` for parameters, when it was given. */
export function environmentOf({ environment }: EnvironmentFlags): { environment?: string } {
  return environment === undefined ? {} : { environment };
}

/** Names, `*`, or one `/regular expression/`, which may hold commas. @throws BAD_USAGE, BAD_NAME */
export function parseDroneNames(text: string): readonly string[] {
  if (text.startsWith("/")) return [checkExpression(text)];
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (name === "*") continue;
    if (name.includes("*")) {
      throw new PropagitError("BAD_NAME", `drone name ${quote(name)} is not allowed`, {
        hint: `\`*\` alone fits all drones; for a part of the name write /${name.replaceAll("*", ".*")}/`,
      });
    }
    parseDroneName(name);
  }
  return names;
}

/** @throws BAD_USAGE */
function parseEnvironment(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)) return text;
  throw new PropagitError("BAD_NAME", `environment name ${quote(text)} is not allowed`);
}

/** PROCESS_ID of an instance, or a prefix of it. @throws BAD_USAGE */
export function parseProcess(text: string): string {
  if (/^[A-Za-z0-9._-]{1,40}$/.test(text)) return text;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not the id of an instance`, {
    hint: "see the ids with `propagit ps --flat`",
  });
}

function parseServiceNames(text: string): readonly string[] {
  return text.split(",").map((name) => parseServiceName(name.trim()));
}

function checkSelector(text: string): string {
  const terms = parseSelector(text);
  if (terms.length > 0) return text;
  throw new PropagitError("BAD_PATTERN", "the label selector is empty", {
    hint: "write it like `role=web`, or leave --label out for all drones",
  });
}

function checkExpression(text: string): string {
  const body = text.endsWith("/") && text.length > 2 ? text.slice(1, -1) : "";
  if (body === "") {
    throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form /regex/`);
  }
  checkRegExp(body);
  return text;
}

/** @throws BAD_USAGE when it is not a regular expression */
export function checkRegExp(text: string): string {
  try {
    new RegExp(text).test("");
    return text;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new PropagitError("BAD_USAGE", `${quote(text)} is no regular expression: ${reason}`);
  }
}
