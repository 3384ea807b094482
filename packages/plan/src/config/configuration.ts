/**
 * A configuration out of its texts: merged (`core/config-merge.ts`), then read by what the generator says that it
 * takes. All that is wrong is told at once, each with its place.
 */
import { assert, PropagitError, quote, suggestion } from "@propagit/protocol";
import { formatProblems, isNull, mapAt, plainOf, Problems } from "@propagit/shapes";
import type { Located, LocatedMap, Problem, Shape } from "@propagit/shapes";
import { pathOf, pathOfVariable, variablePrefix } from "../core/config-keys.js";
import {
  configWords,
  generatorPart,
  inEnvironment,
  laidOver,
  mapOfPath,
  withDefaults,
} from "../core/config-merge.js";
import { ConfigTexts, type ConfigText } from "../core/config-text.js";
import type { Generator } from "./generator.js";

export type Generators = ReadonlyMap<string, Generator>;

export interface ConfigSources {
  /** In their order: the last wins. */
  readonly files: readonly Pick<ConfigText, "name" | "text">[];
  readonly environment?: string;
  /** Of this process; only those that begin with `variablePrefix` count. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** `a.b=value`, in their order. */
  readonly sets?: readonly string[];
  /** Wins over what the configuration says. */
  readonly generator?: string;
}

export interface Configuration {
  readonly generator: Generator;
  readonly environment?: string;
  /** Names of all that there are. */
  readonly environments: readonly string[];
  /** As the generator's shape reads it. */
  readonly value: unknown;
  /** As plain JSON, with every default. */
  readonly plain: unknown;
  /** One for each value that is no map, in order. */
  readonly values: readonly ConfigValue[];
}

export interface ConfigValue {
  /** `service.web.port` */
  readonly path: string;
  readonly value: unknown;
  /** Where it was written: `deploy.yaml:3:5`, `--set service.web.port=8080`; `default` of the generator. */
  readonly from: string;
}

export type CheckedConfiguration =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** @throws BAD_CONFIG with all that is wrong */
export function readConfiguration(sources: ConfigSources, generators: Generators): Configuration {
  const checked = checkConfiguration(sources, generators);
  if (checked.ok) return checked.configuration;
  throw new PropagitError("BAD_CONFIG", formatProblems(checked.problems));
}

/**
 * Without an environment, and in each that there is; or in the one that is asked for.
 *
 * @returns the first of them
 * @throws BAD_CONFIG with all that is wrong in any
 */
export function verifyConfiguration(sources: ConfigSources, generators: Generators): Configuration {
  const configuration = readConfiguration(sources, generators);
  const others = sources.environment === undefined ? configuration.environments : [];
  const problems = others.flatMap((environment) => {
    const checked = checkConfiguration({ ...sources, environment }, generators);
    return checked.ok ? [] : checked.problems;
  });
  if (problems.length === 0) return configuration;
  // What is wrong in one is wrong in all that inherit from it.
  const each = new Map(problems.map((problem) => [formatProblems([problem]), problem]));
  throw new PropagitError("BAD_CONFIG", formatProblems([...each.values()]));
}

/** As `readConfiguration`, with the problems as values. */
export function checkConfiguration(
  sources: ConfigSources,
  generators: Generators,
): CheckedConfiguration {
  const texts = new ConfigTexts();
  const files = merged(sources, texts);
  // Nothing that follows makes sense of a file that cannot be read.
  if (texts.problems.length > 0) return { ok: false, problems: texts.problems };
  const named = withWords(files, { sources, texts, shape: undefined });
  const generator = generatorOf(named, { sources, generators, texts });
  if (!generator) return { ok: false, problems: texts.problems };
  const spoken = withWords(files, { sources, texts, shape: generator.config });
  const root = generatorPart(withDefaults(spoken, texts));
  const problems = new Problems("", "");
  const value = generator.config.read(root, "", problems);
  texts.tellAll(problems);
  if (texts.problems.length > 0) return { ok: false, problems: inPlace(texts.problems) };
  assert(value !== undefined, "a configuration without problems was read");
  const plain = plainOf(generator.config, root);
  const { environment } = sources;
  const values = valuesOf({ plain, node: root, path: "", texts });
  return {
    ok: true,
    configuration: {
      generator,
      ...(environment === undefined ? {} : { environment }),
      environments: environmentsIn(files),
      value,
      plain,
      values,
    },
  };
}

function environmentsIn({ entries }: LocatedMap): readonly string[] {
  const all = entries.get("environments")?.value;
  return all?.kind === "map" ? [...all.entries.keys()] : [];
}

/** Why a generator cannot be one; undefined when it can. */
export function whyNoGenerator(generator: Generator): string | undefined {
  const { name, config } = generator;
  if (
    typeof name !== "string" ||
    !/^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/.test(name) ||
    name.length > 63
  ) {
    return `generator ${quote(name)} has a name that is not small letters and digits, with \`-\` between words`;
  }
  if (typeof generator.generate !== "function") return `generator ${name} has no \`generate\``;
  if (typeof config?.read !== "function" || !config.keys) {
    return `generator ${name} has a \`config\` that is not made of \`object(…)\``;
  }
  const taken = config.keys.find((key) => configWords.includes(key));
  if (taken === undefined) return undefined;
  return `generator ${name} has a key \`${taken}\` in its \`config\`, which every configuration has already`;
}

/** The files, one laid over the other, and the environment. */
function merged({ files, environment }: ConfigSources, texts: ConfigTexts): LocatedMap {
  let root = mapAt(0, []);
  for (const file of files) {
    const node = texts.read({ ...file, isFile: true });
    if (node?.kind === "map") root = laidOver(root, node);
    else if (node && !isNull(node)) texts.tell(node.at, "is not a map of keys and values");
  }
  return environment === undefined ? root : inEnvironment(root, environment, texts);
}

interface Words {
  readonly sources: ConfigSources;
  readonly texts: ConfigTexts;
  readonly shape: Shape<unknown> | undefined;
}

/** What variables and flags say, over the files. */
function withWords(files: LocatedMap, { sources, texts, shape }: Words): LocatedMap {
  // The first time only `generator` is looked for; what is wrong is told the second time.
  const said = shape ? texts : new ConfigTexts();
  const { variables = {}, sets = [] } = sources;
  let root = files;
  const names = Object.keys(variables).filter((name) => name.startsWith(variablePrefix));
  for (const name of names.toSorted()) {
    const found = pathOfVariable(name, { root, shape });
    if (found.kind === "path")
      root = withValue(root, { name, path: found.path, text: variables[name] ?? "" }, said);
    else said.tell(said.add({ name, text: "", isFile: false }), found.why);
  }
  for (const set of sets) {
    const at = set.indexOf("=");
    const path = pathOf(set.slice(0, Math.max(0, at)));
    const name = `--set ${set.slice(0, 60)}`;
    if (path) root = withValue(root, { name, path, text: set.slice(at + 1) }, said);
    else said.tell(said.add({ name, text: "", isFile: false }), "is not of the form KEY.KEY=VALUE");
  }
  return root;
}

function withValue(
  root: LocatedMap,
  {
    name,
    path,
    text,
  }: { readonly name: string; readonly path: readonly string[]; readonly text: string },
  texts: ConfigTexts,
): LocatedMap {
  const value = texts.read({ name, text, isFile: false });
  return value ? laidOver(root, mapOfPath(path, value, value.at)) : root;
}

function generatorOf(
  root: LocatedMap,
  {
    sources,
    generators,
    texts,
  }: { sources: ConfigSources; generators: Generators; texts: ConfigTexts },
): Generator | undefined {
  const written = root.entries.get("generator")?.value;
  const name = sources.generator ?? (written?.kind === "scalar" ? written.source : undefined);
  const at = sources.generator === undefined ? (written?.at ?? root.at) : 0;
  const [only] = generators.values();
  if (name === undefined && only && generators.size === 1) return only;
  const generator = name === undefined ? undefined : generators.get(name);
  if (generator) return generator;
  const all = [...generators.keys()].join(", ") || "none: propagit.config exports no generators";
  if (name === undefined) texts.tell(at, `no \`generator\` is named; there are ${all}`);
  else
    texts.tell(
      at,
      `there is no generator ${quote(name)}${suggestion(name, generators.keys())}; there are ${all}`,
    );
  return undefined;
}

/** In the order of files and lines. */
function inPlace(problems: readonly Problem[]): readonly Problem[] {
  const order = [...new Set(problems.map(({ file }) => file))];
  return problems.toSorted(
    (left, right) =>
      order.indexOf(left.file) - order.indexOf(right.file) ||
      left.line - right.line ||
      left.column - right.column,
  );
}

interface Walk {
  readonly plain: unknown;
  readonly node: Located | undefined;
  readonly path: string;
  readonly texts: ConfigTexts;
}

function valuesOf({ plain, node, path, texts }: Walk): readonly ConfigValue[] {
  if (typeof plain !== "object" || plain === null || Array.isArray(plain)) {
    return [{ path, value: plain, from: node ? placeText(node, texts) : "default" }];
  }
  return Object.entries(plain).flatMap(([key, value]) => {
    const below = node?.kind === "map" ? node.entries.get(key)?.value : undefined;
    const inner = path === "" ? key : `${path}.${key}`;
    return valuesOf({ plain: value, node: below, path: inner, texts });
  });
}

function placeText(node: Located, texts: ConfigTexts): string {
  const { file, line, column } = texts.placeOf(node.at);
  return line === 0 ? file : `${file}:${line}:${column}`;
}
