/**
 * What belongs to an instance, and how it ends for good. A process belongs to it when it is in its group,
 * or when it carries its PROCESS_ID: what made itself a group or a session of its own is found by that.
 */
import { readFile } from "node:fs/promises";
import { sleep, type Clock, readStat } from "@propagit/runtime";
import { readPids, shared } from "./proc.js";

/** From quick, as most end at once, to calm. */
const pollMsMin = 20;
const pollMsMax = 200;
/** After SIGKILL a process goes within moments, unless the kernel holds it; then nobody can do more. */
const killMsMax = 5_000;

export interface Belongings {
  /** PROCESS_ID. */
  readonly process: string;
  /** Undefined when nothing proves that the number is still that group's. */
  readonly group: number | undefined;
}

/** To every process of the group; whether there was one. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGKILL to every process of the group but its leader, which still has to ask how its child ended: what
 * nobody asks is left to process 1, and in many containers that one never does.
 */
export async function killBelowLeader(group: number): Promise<void> {
  const entries = await scan();
  if (entries === undefined) return void signalGroup(group, "SIGKILL");
  for (const entry of entries) {
    if (!entry.lives || entry.group !== group || entry.pid === group) continue;
    try {
      process.kill(entry.pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

/**
 * SIGTERM to all that is left, after `graceMs` SIGKILL; resolves when nothing is left, or nothing more can
 * be done.
 */
export async function endBelongings(
  clock: Clock,
  belongings: Belongings,
  graceMs: number,
): Promise<void> {
  const deadline = clock.monotonic() + graceMs;
  const signalled = new Set<number>();
  for (let pollMs = pollMsMin; ; pollMs = Math.min(pollMs * 2, pollMsMax)) {
    const groups = await groupsOf(belongings);
    if (groups.length === 0) return;
    const isLate = clock.monotonic() >= deadline;
    if (clock.monotonic() >= deadline + killMsMax) return;
    for (const group of groups) {
      // What was forked meanwhile gets the signal too, what has it does not get it twice.
      if (isLate) signalGroup(group, "SIGKILL");
      else if (!signalled.has(group)) signalGroup(group, "SIGTERM");
      signalled.add(group);
    }
    await sleep(clock, isLate ? pollMsMin : pollMs);
  }
}

/** The groups in which something of it lives. */
async function groupsOf({ process: id, group }: Belongings): Promise<readonly number[]> {
  const entries = await scan();
  if (entries === undefined) return group !== undefined && signalGroup(group, 0) ? [group] : [];
  const groups = entries
    .filter((entry) => entry.lives && (entry.group === group || entry.process === id))
    .map((entry) => entry.group);
  // 0 and 1 are no groups that could be signalled; the drone's own is never an instance's.
  return [...new Set(groups)].filter((it) => it > 1 && it !== ownGroup(entries));
}

function ownGroup(entries: readonly ProcessEntry[]): number | undefined {
  return entries.find(({ pid }) => pid === process.pid)?.group;
}

interface ProcessEntry {
  readonly pid: number;
  readonly group: number;
  readonly lives: boolean;
  /** PROCESS_ID in its environment. */
  readonly process: string | undefined;
}

const scan = shared(listProcesses);

/** Undefined where that is not known. */
async function listProcesses(): Promise<readonly ProcessEntry[] | undefined> {
  const pids = await readPids();
  const entries = pids && (await Promise.all(pids.map(readEntry)));
  return entries?.filter((entry) => entry !== undefined);
}

async function readEntry(pid: number): Promise<ProcessEntry | undefined> {
  const stat = readStat(pid);
  return stat && { pid, group: stat.group, lives: stat.lives, process: await processIdOf(pid) };
}

async function processIdOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  return /(?:^|\0)PROCESS_ID=([^\0]*)/.exec(text)?.[1];
}
