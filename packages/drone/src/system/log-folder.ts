/** All files of output of a drone: `logs/REPO/ENVIRONMENT/SERVICE.SLOT-PROCESS.*`, bounded together. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LogLabel } from "../core/log-label.js";
import type { LogPart } from "./log-file.js";
import { readLabel } from "./log-output.js";

/** Instances whose output is kept, whatever its size. */
const instancesMax = 2_000;
const suffixes = [".log.1.new", ".log.1", ".log", ".marks.1", ".marks", ".json.new", ".json"];

/** The files of one instance. */
interface FileGroup {
  /** Without what comes after the name. */
  readonly path: string;
  bytes: number;
  mtimeMs: number;
  readonly files: string[];
}

/** Every part that may hold wanted lines. */
export async function findParts(
  folder: string,
  isWanted: (label: LogLabel) => boolean,
): Promise<readonly LogPart[]> {
  const parts: LogPart[] = [];
  for (const file of await filesIn(folder)) {
    if (!file.endsWith(".json")) continue;
    const path = file.slice(0, -".json".length);
    const label = await readLabel(file);
    if (label === undefined || !isWanted(label)) continue;
    // In this order: what is cut in between is found in the other, at worst twice.
    for (const suffix of ["", ".1"] as const) {
      const found = await stat(`${path}.log${suffix}`).catch(() => undefined);
      if (found && found.size > 0) parts.push({ label, path, suffix, mtimeMs: found.mtimeMs });
    }
  }
  return parts;
}

/** Removes the oldest output of instances that have ended, until the rest is within the bound. */
export async function tidyLogs(
  folder: string,
  bytesMax: number,
  isOpen: (path: string) => boolean,
): Promise<void> {
  const groups = await groupsIn(folder);
  let bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  let count = groups.length;
  const ended = groups.filter(({ path }) => !isOpen(path));
  for (const group of ended.sort((left, right) => left.mtimeMs - right.mtimeMs)) {
    if (bytes <= bytesMax && count <= instancesMax) return;
    for (const file of group.files) await rm(file, { force: true });
    bytes -= group.bytes;
    count--;
  }
}

async function groupsIn(folder: string): Promise<readonly FileGroup[]> {
  const groups = new Map<string, FileGroup>();
  for (const file of await filesIn(folder)) {
    const found = await stat(file).catch(() => undefined);
    if (!found) continue;
    const path = baseOf(file);
    const group = groups.get(path) ?? { path, bytes: 0, mtimeMs: 0, files: [] };
    groups.set(path, group);
    group.bytes += found.size;
    group.mtimeMs = Math.max(group.mtimeMs, found.mtimeMs);
    group.files.push(file);
  }
  return [...groups.values()];
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
}

function baseOf(file: string): string {
  const suffix = suffixes.find((it) => file.endsWith(it));
  return suffix === undefined ? file : file.slice(0, -suffix.length);
}
