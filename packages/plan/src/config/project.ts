/** What a project brings: commands and generators of its own, beside ours. */
import { quote } from "@propagit/protocol";
import type { Command, Commands } from "../command.js";
import { whyNoCommand } from "../core/task-shape.js";
import { whyNoGenerator, type Generators } from "./configuration.js";
import type { Generator } from "./generator.js";

/** What `propagit.config` exports. */
export interface ProjectConfig {
  readonly commands?: readonly Command[];
  readonly generators?: readonly Generator[];
}

export interface Project {
  /** Its propagit.config; absent: it has none. */
  readonly file?: string;
  /** Ours and its own. */
  readonly commands: Commands;
  readonly generators: Generators;
}

/**
 * For editors: what `propagit.config` exports.
 *
 * @example
 * export default defineConfig({ generators: [] });
 */
export function defineConfig(config: ProjectConfig): ProjectConfig {
  return config;
}

export type CheckedProject =
  | { readonly ok: true; readonly project: Project }
  | { readonly ok: false; readonly problems: readonly string[] };

/** @param value what the module exports */
export function checkProject(value: unknown, ours: Commands): CheckedProject {
  const problems: string[] = [];
  if (typeof value !== "object" || value === null) {
    return { ok: false, problems: ["exports no `{ commands, generators }` as its default"] };
  }
  const { commands = [], generators = [], ...others } = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(others)) {
    problems.push(`exports ${quote(key)}; it may export \`commands\` and \`generators\``);
  }
  const own = named<Command>(commands, "commands", problems);
  const made = named<Generator>(generators, "generators", problems);
  for (const [name, command] of own) {
    if (ours.has(name)) problems.push(`command ${name} is propagit's own; call yours otherwise`);
    problems.push(...listed(whyNotCommand(command)));
  }
  for (const generator of made.values()) problems.push(...listed(whyNoGenerator(generator)));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, project: { commands: new Map([...ours, ...own]), generators: made } };
}

/** By name, each once. */
function named<T extends { readonly name: string }>(
  list: unknown,
  what: string,
  problems: string[],
): ReadonlyMap<string, T> {
  const all = new Map<string, T>();
  if (!Array.isArray(list)) {
    problems.push(`has \`${what}\` that are no list`);
    return all;
  }
  for (const [index, one] of list.entries()) {
    const name: unknown = (one as T | null | undefined)?.name;
    if (typeof one !== "object" || typeof name !== "string") {
      problems.push(`has \`${what}[${index}]\` without a name`);
    } else if (all.has(name)) problems.push(`has two ${what} called ${quote(name)}`);
    else all.set(name, one as T);
  }
  return all;
}

/** JavaScript may leave anything out. */
function whyNotCommand(command: Command): string | undefined {
  const missing = (["describe", "run"] as const).find((key) => typeof command[key] !== "function");
  if (missing) return `command ${quote(command.name)} has no \`${missing}\``;
  if (typeof (command.args as Command["args"] | undefined)?.read !== "function") {
    return `command ${quote(command.name)} has \`args\` that are not made of \`object(…)\``;
  }
  return whyNoCommand(command);
}

function listed<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
