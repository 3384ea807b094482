/** What a process has cost: its threads and children included. */
import { readFile } from "node:fs/promises";

/** `getconf CLK_TCK` of every Linux there is. */
const ticksPerSecond = 100;

/** CPU time so far, user and system, in µs, of these processes. */
export async function cpuUs(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(async (pid) => ticksOf(pid)));
  return (each.reduce((sum, ticks) => sum + ticks, 0) / ticksPerSecond) * 1e6;
}

/** Resident memory in KB. */
export async function rssKb(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
    }),
  );
  return each.reduce((sum, kb) => sum + kb, 0);
}

/** The process and everything that it started. */
export async function familyOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = children.split(" ").filter(Boolean).map(Number);
  const families = await Promise.all(pids.map(async (child) => familyOf(child)));
  return [pid, ...families.flat()];
}

/** All its threads, those that ended included. */
async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(user) + Number(system);
}
