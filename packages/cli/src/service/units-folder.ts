/** Where units lie, and the manager that runs them. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { UnitPlan } from "./unit.js";

export type Scope = UnitPlan["scope"];

/** @param root what `/` is, for images and tests */
export function unitsFolder(scope: Scope, root: string, env = process.env): string {
  const { XDG_CONFIG_HOME: config } = env;
  const own = scope === "system" ? "/etc" : config || join(homedir(), ".config");
  return join(root, own, "systemd", scope);
}

/** Names of the units of ours in a folder. */
export function installedUnits(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^propagit-[a-z]+\.service$/.test(name))
      .sort();
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return [];
    throw thrown;
  }
}

export function removeUnit(folder: string, name: string): void {
  const path = join(folder, name);
  if (!existsSync(path)) {
    throw new PropagitError("NO_SERVICE", `${path} is not there`, {
      hint: "see what is installed: propagit service ls, also with --user",
    });
  }
  rmSync(path);
}

/** The words in front of what systemctl is to do. */
export function systemctl(scope: Scope): readonly string[] {
  return scope === "system" ? ["systemctl"] : ["systemctl", "--user"];
}

/** @throws COMMAND_FAILED with what systemctl said */
export function runSystemctl(scope: Scope, ...args: readonly string[]): void {
  const [program = "", ...words] = [...systemctl(scope), ...args];
  const { status, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  if (status === 0) return;
  const said = error ? (errnoOf(error) ?? error.message) : stderr.trim();
  throw new PropagitError("COMMAND_FAILED", `${program} ${words.join(" ")}: ${said}`, {
    hint: "is systemd what runs this machine? Without --now only the unit is written",
  });
}

/** What systemd runs here of a unit; undefined where systemd does not run. */
export function unitState(scope: Scope, name: string): string | undefined {
  const [program, ...words] = [...systemctl(scope), "is-active", name];
  const { stdout, error } = spawnSync(program, words, { encoding: "utf8" });
  return error ? undefined : stdout.trim() || undefined;
}
