/**
 * Loads the `propagit.config` of a project: TypeScript or JavaScript, by jiti, which needs neither a build nor a
 * Node that strips types itself. What it imports from `propagit/config` is what this process has already, wherever
 * propagit is installed.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import type { Commands } from "../command.js";
import { checkProject, type Project } from "../config/project.js";

export const projectFiles: readonly string[] = ["ts", "mts", "js", "mjs"].map(
  (ending) => `propagit.config.${ending}`,
);

export interface LoadOptions {
  readonly ours: Commands;
  /** What it may import, by name, without looking for it: `propagit/config`. */
  readonly modules: Readonly<Record<string, unknown>>;
}

/**
 * @param folder where it is looked for, and nowhere else; without one, the project has only our commands
 * @throws BAD_CONFIG with file and line
 */
export async function loadProject(
  folder: string,
  { ours, modules }: LoadOptions,
): Promise<Project> {
  const names = projectFilesIn(await namesOf(folder));
  const [name, other] = names;
  if (name === undefined) return { commands: ours, generators: new Map() };
  if (other !== undefined) throw refused(`there are both ${name} and ${other} in ${folder}`);
  const file = join(folder, name);
  const checked = checkProject(await imported(file, modules), ours);
  if (!checked.ok) throw refused(checked.problems.map((why) => `${name} ${why}`).join("\n  "));
  return { ...checked.project, file };
}

function projectFilesIn(names: readonly string[]): readonly string[] {
  return projectFiles.filter((name) => names.includes(name));
}

async function namesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    throw refused(`${folder} cannot be read: ${textOf(thrown)}`);
  }
}

async function imported(file: string, virtualModules: LoadOptions["modules"]): Promise<unknown> {
  // Loaded only here: most plans need nothing of a project.
  const { createJiti } = await import("jiti");
  // Nothing is kept on disk: it is one file, and what is kept may be stale.
  const jiti = createJiti(file, {
    fsCache: false,
    moduleCache: false,
    virtualModules: { ...virtualModules },
  });
  try {
    const module = await jiti.import<Readonly<Record<string, unknown>>>(file);
    return "default" in module ? module["default"] : { ...module };
  } catch (thrown) {
    throw refused(`${file}${placeIn(thrown, file)}: ${reasonOf(thrown, file)}`, thrown);
  }
}

/** `:4:21`, where it is known. */
function placeIn(thrown: unknown, file: string): string {
  const text = thrown instanceof Error ? `${thrown.message}\n${thrown.stack ?? ""}` : "";
  for (let at = text.indexOf(`${file}:`); at >= 0; at = text.indexOf(`${file}:`, at + 1)) {
    const place = /^:\d+(?::\d+)?/.exec(text.slice(at + file.length));
    if (place) return place[0];
  }
  return "";
}

/** Its first line, without the place that is told anyway. */
function reasonOf(thrown: unknown, file: string): string {
  const [first = ""] = textOf(thrown).split(/\n|\s+ at /);
  return (
    first
      .replace(file, "")
      .replace(/^ParseError: /, "cannot be understood: ")
      .trim() || "failed"
  );
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function refused(message: string, cause?: unknown): PropagitError {
  return new PropagitError("BAD_CONFIG", message, cause === undefined ? {} : { cause });
}
