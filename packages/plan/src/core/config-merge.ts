/**
 * A configuration, merged: what lies further down wins, key by key.
 *
 *     files, in their order
 *       environments.NAME, after those that it inherits
 *         PROPAGIT_CONFIG_…
 *           --set
 *     then each service over the `defaults` of its type, after those that they inherit
 *
 * What inherits keeps its own name and its own words; of what it inherits it takes only what it does not say
 * itself. With an ancestor, `prod: staging` turned production into staging.
 */
import { quote, suggestion } from "@propagit/protocol";
import { isNull, mapAt } from "@propagit/shapes";
import type { Located, LocatedEntry, LocatedMap } from "@propagit/shapes";
import type { ConfigTexts } from "./config-text.js";

/** Words of a configuration that are no generator's. */
export const configWords: readonly string[] = ["generator", "environments", "defaults"];

const inherits = "inherits";
const nothing = mapAt(0, []);

/**
 * Maps are merged key by key, everything else is replaced, `null` takes something away.
 *
 * @param inside where `over` was written, for messages; absent: where it stands now
 */
export function laidOver(base: LocatedMap, over: LocatedMap, inside?: string): LocatedMap {
  const entries = new Map<string, LocatedEntry>(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)?.value;
    const isTakenAway = isNull(entry.value);
    if (isTakenAway) entries.delete(key);
    else if (below?.kind === "map" && entry.value.kind === "map") {
      const path = inside === undefined ? undefined : `${inside}.${key}`;
      entries.set(key, { keyAt: entry.keyAt, value: laidOver(below, entry.value, path) });
    } else entries.set(key, inside === undefined ? entry : { ...entry, inside });
  }
  return mapAt(over.entries.size > 0 ? over.at : base.at, entries);
}

/** The whole with the words of an environment laid over it. */
export function inEnvironment(root: LocatedMap, name: string, texts: ConfigTexts): LocatedMap {
  return overAll(root, heritage(root, "environments", { name, at: root.at, texts }));
}

/** Each service over the defaults of its type. */
export function withDefaults(root: LocatedMap, texts: ConfigTexts): LocatedMap {
  const services = root.entries.get("service");
  if (services?.value.kind !== "map") return root;
  const filled = [...services.value.entries].map(([name, entry]): [string, LocatedEntry] => {
    const type = entry.value.kind === "map" ? entry.value.entries.get("type")?.value : undefined;
    if (entry.value.kind !== "map" || type?.kind !== "scalar") return [name, entry];
    const defaults = heritage(root, "defaults", { name: type.source, at: type.at, texts });
    return [name, { ...entry, value: laidOver(overAll(nothing, defaults), entry.value) }];
  });
  const value = mapAt(services.value.at, filled);
  return mapAt(root.at, [...root.entries, ["service", { ...services, value }]]);
}

/** What is left for the generator. */
export function generatorPart(root: LocatedMap): LocatedMap {
  return mapAt(
    root.at,
    [...root.entries].filter(([key]) => !configWords.includes(key)),
  );
}

interface Wanted {
  readonly name: string;
  /** Where it is asked for, for messages. */
  readonly at: number;
  readonly texts: ConfigTexts;
}

/** Words that stand under a name, and where. */
interface Words {
  readonly words: LocatedMap;
  readonly path: string;
}

function overAll(base: LocatedMap, all: readonly Words[]): LocatedMap {
  return all.reduce((below, { words, path }) => laidOver(below, words, path), base);
}

/** The words of `environments.NAME`, and before them those of whom it inherits from. */
function heritage(
  root: LocatedMap,
  part: "environments" | "defaults",
  { name, at, texts }: Wanted,
): readonly Words[] {
  const all = root.entries.get(part)?.value;
  const known = all?.kind === "map" ? all.entries : new Map<string, LocatedEntry>();
  const chain = new Map<string, Words>();
  for (let next: Ancestor | undefined = { name, at }; next;) {
    const path = `${part}.${next.name}`;
    const entry = known.get(next.name);
    if (chain.has(next.name)) {
      texts.tell(next.at, `${path} inherits itself: ${[...chain.keys(), next.name].join(" -> ")}`);
      break;
    }
    if (entry?.value.kind !== "map") {
      tellMissing(entry, { part, name: next.name, known, at: next.at, texts });
      break;
    }
    chain.set(next.name, { words: without(entry.value, inherits), path });
    next = ancestorOf(entry.value, path, texts);
  }
  return [...chain.values()].toReversed();
}

interface Ancestor {
  readonly name: string;
  readonly at: number;
}

/** One that stands there empty says nothing, and that is right. */
function tellMissing(
  entry: LocatedEntry | undefined,
  { part, name, known, at, texts }: Wanted & { part: string; known: ReadonlyMap<string, unknown> },
): void {
  if (!entry) {
    const nearest = suggestion(name, known.keys());
    texts.tell(at, `there is no ${quote(name)} in \`${part}\`${nearest}`);
  } else if (!isNull(entry.value)) texts.tell(entry.value.at, `\`${part}.${name}\` is not a map`);
}

function ancestorOf(own: LocatedMap, path: string, texts: ConfigTexts): Ancestor | undefined {
  const from = own.entries.get(inherits)?.value;
  if (!from) return undefined;
  if (from.kind === "scalar" && typeof from.value === "string")
    return { name: from.value, at: from.at };
  texts.tell(from.at, `\`${path}.${inherits}\` is not a name`);
  return undefined;
}

function without(node: LocatedMap, key: string): LocatedMap {
  return mapAt(
    node.at,
    [...node.entries].filter(([one]) => one !== key),
  );
}

/** A map that has only this, at the end of a path. */
export function mapOfPath(path: readonly string[], value: Located, at: number): LocatedMap {
  const [first = "", ...rest] = path;
  const inner = rest.length === 0 ? value : mapOfPath(rest, value, at);
  return mapAt(at, [[first, { keyAt: at, value: inner }]]);
}
