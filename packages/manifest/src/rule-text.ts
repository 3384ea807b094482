/**
 * Rules as the command line says them: `rate=100/s`, `timeouts.head=30s`, `allow=10.0.0.0/8,192.0.2.7`. The
 * words, units and mistakes are those of the manifest; `sticky-instance` may be written for `stickyInstance`.
 */
import { PropagitError, quote, type Rules, suggestion } from "@propagit/protocol";
import { mapAt, Problems, readYaml, type Located, type LocatedEntry } from "@propagit/shapes";
import { manifestLimits } from "./core/limits.js";
import { camelCase, ruleFields, ruleNamed, ruleWords, rulesShape } from "./core/rules.js";

export interface RuleChanges {
  readonly set: Rules;
  /** Those with the value `off`: as if nobody had said them. */
  readonly off: readonly (keyof Rules)[];
}

/** `requestHeaders.set.X-A.B` is three deep, whatever the header is called. */
const depthMax = 3;

/**
 * @param words `KEY=VALUE` each; several parts of one rule make it together
 * @throws BAD_RULE
 *
 * @example
 * readRuleChanges(["rate=100/s", "timeouts.head=30s", "pins=off"]).off; // ["pins"]
 */
export function readRuleChanges(words: readonly string[]): RuleChanges {
  const off: (keyof Rules)[] = [];
  let tree = mapAt(0, []);
  for (const word of words) {
    const at = word.indexOf("=");
    if (at < 1) throw badRule(`${quote(word)} is not of the form KEY=VALUE`, namesHint);
    const path = pathOf(word.slice(0, at));
    const text = word.slice(at + 1);
    const rule = readRuleName(path[0] ?? "");
    if (text === "off" && path.length === 1) off.push(rule);
    else if (text === "" && path.length === 1)
      throw badRule(`${rule} is given nothing`, emptyHint(word.slice(0, at)));
    else tree = withValue(tree, path, valueOf(path, text));
  }
  const problems = new Problems("", "");
  const set = rulesShape.read(tree, "", problems);
  const [first] = problems.all;
  if (first) throw badRule(first.message.replaceAll("`", ""));
  const both = off.find((rule) => set && rule in set);
  if (both !== undefined) throw badRule(`${both} is given a value and \`off\``);
  return { set: set ?? {}, off };
}

/** The rule that a user calls so. @throws BAD_RULE */
export function readRuleName(word: string): keyof Rules {
  const rule = ruleNamed(word);
  if (rule !== undefined) return rule;
  const nearest = suggestion(camelCase(word), ruleWords).replaceAll("`", "");
  throw badRule(`there is no rule ${quote(word)}${nearest}`, namesHint);
}

function pathOf(key: string): readonly string[] {
  const parts = key.split(".");
  const path = [...parts.slice(0, depthMax - 1), parts.slice(depthMax - 1).join(".")];
  return path
    .filter((part) => part !== "")
    .map((part, depth) => (depth < 2 ? camelCase(part) : part));
}

type Tree = ReturnType<typeof mapAt>;

function withValue(tree: Tree, [key = "", ...rest]: readonly string[], value: Located): Tree {
  const known = tree.entries.get(key)?.value;
  if (rest.length === 0) {
    if (known) throw badRule(`${key} is given twice`);
    return withEntry(tree, key, value);
  }
  if (known && known.kind !== "map") throw badRule(`${key} is given as a whole and in parts`);
  return withEntry(tree, key, withValue(known ?? mapAt(0, []), rest, value));
}

function withEntry(tree: Tree, key: string, value: Located): Tree {
  const entry: LocatedEntry = { keyAt: 0, value };
  return mapAt(0, [...tree.entries, [key, entry]]);
}

/** `{…}` and `[…]` are YAML, everything else is what stands there; networks may be a list with commas. */
function valueOf(path: readonly string[], text: string): Located {
  if (/^\s*[[{]/.test(text)) {
    const problems = new Problems("", text);
    const value = readYaml(text, problems, manifestLimits);
    if (value) return value;
    throw badRule(`the value of ${path.join(".")} ${problems.all[0]?.message ?? "cannot be read"}`);
  }
  const isList = path.length === 1 && (path[0] === "allow" || path[0] === "deny");
  if (!isList) return scalarOf(text, isPlainText(path));
  const items = text.split(",").map((part) => scalarOf(part.trim(), true));
  return { kind: "list", items, at: 0 };
}

/** `maintenance=503` is a text of three characters. */
function isPlainText(path: readonly string[]): boolean {
  return path[0] === "maintenance" && path[1] !== "retryAfter";
}

function scalarOf(text: string, isText: boolean): Located {
  const value = isText
    ? text
    : text === "true" || text === "false"
      ? text === "true"
      : /^\d{1,15}$/.test(text)
        ? Number(text)
        : text;
  return { kind: "scalar", value, source: text, at: 0 };
}

const formHint = "rules are written like rate=100/s or pins=true; docs/manifest.md has all of them";
const namesHint = `rules are written like rate=100/s; there are ${Object.keys(ruleFields).join(", ")}`;

/** A shell's variable that is not set should neither lock everybody out nor let everybody in. */
function emptyHint(key: string): string {
  return `to take away what the manifest says: ${key}=off; to go by the manifest again: propagit route unset`;
}

function badRule(why: string, hint = formHint): PropagitError {
  return new PropagitError("BAD_RULE", why, { hint });
}
