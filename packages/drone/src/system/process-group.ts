/** Process groups: who is still in one, and how one ends for good. */
import { readdir, readFile } from "node:fs/promises";
import { sleep, type Clock } from "@propagit/runtime";

const pollMs = 25;
/** After SIGKILL a process goes within moments, unless the kernel holds it; then nobody can do more. */
const killMsMax = 5_000;

/** To every process of the group; whether there was one. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether anything but zombies is left of a group. */
export async function isGroupAlive(group: number): Promise<boolean> {
  if (!signalGroup(group, 0)) return false;
  // A zombie that its new parent never reaps stays in the group for ever, but holds nothing.
  const members = await listProcesses();
  return members === undefined || members.some((member) => member.group === group && member.lives);
}

/** SIGTERM, after `graceMs` SIGKILL; resolves when nothing is left, or nothing more can be done. */
export async function endGroup(clock: Clock, group: number, graceMs: number): Promise<void> {
  signalGroup(group, "SIGTERM");
  if (await isGoneWithin(clock, group, graceMs)) return;
  signalGroup(group, "SIGKILL");
  await isGoneWithin(clock, group, killMsMax);
}

async function isGoneWithin(clock: Clock, group: number, limitMs: number): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    if (!(await isGroupAlive(group))) return true;
    if (clock.monotonic() >= end) return false;
    await sleep(clock, pollMs);
  }
}

export interface ProcessEntry {
  readonly pid: number;
  readonly group: number;
  /** Not a zombie. */
  readonly lives: boolean;
}

/** All processes, out of /proc; undefined where there is none. */
export async function listProcesses(): Promise<readonly ProcessEntry[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const names = await readdir("/proc");
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(readEntry));
  return entries.filter((entry) => entry !== undefined);
}

async function readEntry(pid: number): Promise<ProcessEntry | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command in parentheses may itself hold spaces and parentheses (proc(5)).
  const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid, group: Number(group), lives: state !== "Z" && state !== "X" };
}
