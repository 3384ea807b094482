/** The project that a plan belongs to, and its configuration. */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { formatNames } from "../output/quantity.js";
import {
  isPackageFile,
  loadProject,
  packageNamed,
  projectFiles,
  readConfiguration,
  type Configuration,
  type Package,
  type PlanWish,
  type Project,
} from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import { PropagitError, quote } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { readTextFile } from "./read-text.js";
import { absolute, type SourceFlags } from "./source-flags.js";

/** Read when nothing is said. */
const configFileDefault = "propagit.deploy.yaml";

export interface PlacedProject extends Project {
  readonly folder: string;
}

/** @param folder its folder; absent: the one with a propagit.config around the current folder. @throws BAD_CONFIG */
export async function openProject(folder?: string): Promise<PlacedProject> {
  const place = folder === undefined ? projectAround(process.cwd()) : absolute(folder);
  const modules = { "propagit/config": await import("../config.js") };
  return { ...(await loadProject(place, { ours: hubCommands, modules })), folder: place };
}

/** Up to the top of the git repository, and no further than that. */
function projectAround(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (projectFiles.some((name) => existsSync(join(folder, name)))) return folder;
    if (existsSync(join(folder, ".git")) || dirname(folder) === folder) return from;
  }
}

/** @throws BAD_CONFIG, BAD_USAGE */
export function readProjectConfiguration(
  project: PlacedProject,
  flags: SourceFlags,
  log: Log,
  read = readConfiguration,
): Configuration {
  const { environment, set, generator } = flags;
  const files = configFiles(project, flags).map((name) => {
    log.info(`loading configuration from ${name}`);
    return { name, text: readTextFile(name) };
  });
  return read(
    {
      files,
      variables: process.env,
      ...(environment === undefined ? {} : { environment }),
      ...(set === undefined ? {} : { sets: set }),
      ...(generator === undefined ? {} : { generator }),
    },
    project.generators,
  );
}

function configFiles({ folder }: PlacedProject, { config }: SourceFlags): readonly string[] {
  if (config !== undefined) return config;
  const path = join(folder, configFileDefault);
  if (!existsSync(path)) return [];
  return [folder === process.cwd() ? configFileDefault : path];
}

/** What a generator is asked for. @throws BAD_USAGE */
export function wishOf(flags: SourceFlags, configuration: Configuration): PlanWish {
  const services = serviceNames(configuration.plain);
  const components = (flags.component ?? []).map((text) => componentOf(text, services));
  const files = flags.directory === undefined ? [] : packagesIn(flags.directory, services);
  const { environment } = flags;
  return {
    ...(environment === undefined ? {} : { environment }),
    packages: eachServiceOnce([...components, ...files]),
    hosts: flags.hosts ?? [],
    redeploy: flags.redeploy ?? false,
    force: flags.force ?? false,
  };
}

function serviceNames(plain: unknown): readonly string[] {
  const service: unknown = (plain as { readonly service?: unknown } | undefined)?.service;
  return typeof service === "object" && service !== null ? Object.keys(service) : [];
}

function componentOf(text: string, services: readonly string[]): Package {
  const [, service, version] = /^([A-Za-z0-9._-]+)@([A-Za-z0-9._+~-]+)$/.exec(text) ?? [];
  if (service !== undefined && version !== undefined) return { service, version };
  const named = packageNamed(basename(text), services);
  if (!named || !isPackageFile(text)) {
    throw new PropagitError("BAD_USAGE", `component ${quote(text)} is no package`, {
      hint: "write it like web@1.2.3, or give a file named like web-1.2.3.tar.gz",
    });
  }
  const file = absolute(text);
  if (existsSync(file)) return { ...named, file };
  throw new PropagitError("BAD_USAGE", `there is no file ${file}`);
}

function packagesIn(folder: string, services: readonly string[]): readonly Package[] {
  const place = absolute(folder);
  let names: readonly string[];
  try {
    names = readdirSync(place).filter(isPackageFile).toSorted();
  } catch (thrown) {
    throw new PropagitError("BAD_USAGE", `${place} cannot be read as a folder`, { cause: thrown });
  }
  const packages = names.flatMap((name): readonly Package[] => {
    const named = packageNamed(name, services);
    return named ? [{ ...named, file: join(place, name) }] : [];
  });
  const odd = names.filter((name) => !packageNamed(name, services));
  if (odd.length > 0) {
    throw new PropagitError(
      "BAD_USAGE",
      `${formatNames(odd)} in ${place} is named like no package`,
      {
        hint: "name it like web-1.2.3.tar.gz",
      },
    );
  }
  if (packages.length > 0) return packages;
  throw new PropagitError("BAD_USAGE", `there is no package in ${place}`, {
    hint: "packages are files named like web-1.2.3.tar.gz",
  });
}

function eachServiceOnce(packages: readonly Package[]): readonly Package[] {
  const versions = new Map<string, Package>();
  for (const one of packages) {
    const other = versions.get(one.service);
    if (other && other.version !== one.version) {
      const both = `${other.version} and ${one.version}`;
      throw new PropagitError("BAD_USAGE", `${one.service} is asked for in two versions: ${both}`);
    }
    versions.set(one.service, one.file === undefined ? (other ?? one) : one);
  }
  return [...versions.values()];
}
