/** Who a pid is: pids are used again, a pid together with its start time is not. */
import { readStat } from "./proc-stat.js";

/** A process, so that it is never mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (proc(5), stat field 22); empty where there is no /proc. */
  readonly startTime: string;
}

/** The identity of a running process; undefined when there is none, or it is a zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform !== "linux") return isAlive(pid) ? { pid, startTime: "" } : undefined;
  const stat = readStat(pid);
  const startTime = stat?.lives ? stat.field(22) : Number.NaN;
  return Number.isNaN(startTime) ? undefined : { pid, startTime: String(startTime) };
}

/** Whether that very process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && now.startTime === identity.startTime;
}

/** Whether there is a process with that pid, zombies included. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
