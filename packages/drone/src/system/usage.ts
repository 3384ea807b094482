/** What instances use of the machine, out of /proc: measured when somebody asks, never before. */
import { readFile } from "node:fs/promises";
import type { Usage } from "@propagit/protocol";
import { readStat, type ProcStat } from "@propagit/runtime";
import { readPids } from "./proc.js";

/** Of the times in /proc/PID/stat (USER_HZ), the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
const pageBytesDefault = 4_096;

export interface Measured {
  /** PROCESS_ID. */
  readonly process: string;
  /** Of the app. */
  readonly pid: number;
}

/**
 * Of all processes of each instance: its group, children included. Memory is what they hold alone and their
 * part of what they share (PSS), where the drone may see it, else RSS. Instances that have gone are left out;
 * where there is no /proc, all are.
 */
export async function usageOf(instances: readonly Measured[]): Promise<readonly Usage[]> {
  if (instances.length === 0) return [];
  const entries = await readProcesses();
  const uptimeSeconds = Number.parseFloat(await read("/proc/uptime"));
  const groups = new Map<number, ProcessTimes[]>();
  for (const entry of entries.values()) {
    const members = groups.get(entry.group);
    if (members) members.push(entry);
    else groups.set(entry.group, [entry]);
  }
  const usages = instances.map(async ({ process, pid }) => {
    const app = entries.get(pid);
    if (!app) return undefined;
    const members = groups.get(app.group) ?? [app];
    const ticks = members.reduce((sum, member) => sum + member.ticks, 0);
    const memory = await Promise.all(members.map(memoryOf));
    const seconds = Math.max(uptimeSeconds - app.startTicks / ticksPerSecond, 0.01);
    return {
      process,
      cpuPercent: Math.round((ticks / ticksPerSecond / seconds) * 1_000) / 10,
      memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0),
    };
  });
  return (await Promise.all(usages)).filter((usage) => usage !== undefined);
}

interface ProcessTimes {
  readonly pid: number;
  readonly group: number;
  /** Its own, and those of its children that have ended. */
  readonly ticks: number;
  readonly startTicks: number;
  readonly residentPages: number;
}

async function readProcesses(): Promise<ReadonlyMap<number, ProcessTimes>> {
  const stats = ((await readPids()) ?? []).map(readStat);
  const known = stats.filter((stat) => stat !== undefined).map(timesOf);
  return new Map(known.map((times) => [times.pid, times]));
}

function timesOf({ pid, group, field }: ProcStat): ProcessTimes {
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { pid, group, ticks, startTicks: field(22), residentPages: field(24) };
}

async function memoryOf({ pid, residentPages }: ProcessTimes): Promise<number> {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(await read(`/proc/${pid}/smaps_rollup`))?.[1];
  return kilobytes === undefined ? residentPages * pageBytesDefault : Number(kilobytes) * 1_024;
}

async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
