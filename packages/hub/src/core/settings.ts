/**
 * Settings of an environment: which names and values they may have, what a change makes of them, and how
 * two releases differ in theirs. Values are hidden before they get here.
 */
import {
  PropagitError,
  quote,
  reservedVariables,
  type ConfigChange,
  type Specification,
} from "@propagit/protocol";
import type { SettingRow, SettingRows } from "./rows.js";

/** As in `variablesSchema`, since they all become variables. */
const valueCharsMax = 32_768;
const settingsMax = 500;
/** Names and values of one environment, so that they fit into a frame when they are hidden. */
const settingsCharsMax = 1_000_000;

/** A setting in clear. */
export interface NewSetting {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
}

/** @throws BAD_SETTING; the value is never part of the message */
export function checkSetting({ name, value }: NewSetting): void {
  // The second as it would be taken for what objects inherit.
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) || name === "__proto__") {
    throw wrong(`${quote(name)} cannot be the name of a variable`);
  }
  if (reservedVariables.has(name) || name.startsWith("PORT_")) {
    throw wrong(`${name} is set by propagit itself`, "choose another name");
  }
  if (value.includes("\0")) throw wrong(`the value of ${name} has a NUL character in it`, "");
  if (value.length > valueCharsMax) {
    const size = `${value.length} characters, and ${valueCharsMax} are possible`;
    throw wrong(`the value of ${name} has ${size}`, "keep it in a file, and set where that is");
  }
}

/** @throws BAD_SETTING when a name is there twice, or set and unset at once */
export function checkNames(set: readonly NewSetting[], unset: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of [...set.map((one) => one.name), ...unset]) {
    if (seen.has(name)) throw wrong(`${quote(name)} is there twice`, "say it once");
    seen.add(name);
  }
}

export interface SettingsChange {
  readonly settings: SettingRows;
  /** In the order in which they were given. */
  readonly changed: readonly string[];
}

/**
 * @param set what is set, hidden already
 * @param reveal the value of what is hidden
 * @throws BAD_SETTING
 */
export function changeSettings(
  before: SettingRows,
  { set, unset }: { set: ReadonlyMap<string, SettingRow>; unset: readonly string[] },
  reveal: (row: SettingRow) => string,
): SettingsChange {
  const after = new Map(Object.entries(before));
  const changed: string[] = [];
  for (const [name, row] of set) {
    const known = after.get(name);
    if (known?.secret && !row.secret) {
      const hint = `set it with \`propagit secrets set REPO ${name}\`, or unset it first`;
      throw wrong(`${name} is a secret, and its value would be shown from now on`, hint);
    }
    if (known && known.secret === row.secret && reveal(known) === reveal(row)) continue;
    after.set(name, row);
    changed.push(name);
  }
  changed.push(...unset.filter((name) => after.delete(name)));
  checkSize(after, reveal);
  return { settings: Object.fromEntries(after), changed };
}

/** Names that differ, in their order. A value that was set anew counts although it may be the same. */
export function compareSettings(from: SettingRows, to: SettingRows): ConfigChange[] {
  const differs = (name: string) => from[name]?.hidden !== to[name]?.hidden;
  return changesOf(from, to, differs).map(({ name, change }) => ({
    name,
    change,
    secret: to[name]?.secret ?? from[name]?.secret ?? false,
  }));
}

/** Variables that differ in what the manifests say; those of services and tasks alike. */
export function compareVariables(
  from: Specification | undefined,
  to: Specification,
): ConfigChange[] {
  const [left, right] = [from ? variablesOf(from) : {}, variablesOf(to)];
  const differs = (name: string) => left[name] !== right[name];
  return changesOf(left, right, differs).map((change) => ({ ...change, secret: false }));
}

function changesOf(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
  differs: (name: string) => boolean,
): Pick<ConfigChange, "name" | "change">[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names.filter(differs).map((name) => {
    if (!Object.hasOwn(from, name)) return { name, change: "added" };
    return { name, change: Object.hasOwn(to, name) ? "changed" : "removed" };
  });
}

/** All values of a name, wherever they are. */
function variablesOf({ services, build, test, release }: Specification): Record<string, string> {
  const all = new Map<string, string>();
  const owners = [...services, ...[build, test, release].filter((task) => task !== undefined)];
  for (const [at, { env }] of owners.entries()) {
    const owner = services[at]?.name ?? "";
    for (const [name, value] of Object.entries(env)) {
      all.set(name, JSON.stringify([all.get(name), owner, value]));
    }
  }
  return Object.fromEntries(all);
}

function checkSize(
  settings: ReadonlyMap<string, SettingRow>,
  reveal: (row: SettingRow) => string,
): void {
  if (settings.size > settingsMax) throw wrong(`more than ${settingsMax} settings`, "unset some");
  let chars = 0;
  for (const [name, row] of settings) chars += name.length + reveal(row).length;
  if (chars <= settingsCharsMax) return;
  throw wrong(`the settings have ${chars} characters, and ${settingsCharsMax} are possible`, "");
}

function wrong(message: string, hint?: string): PropagitError {
  return new PropagitError("BAD_SETTING", message, hint === undefined ? {} : { hint });
}
