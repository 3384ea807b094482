/** What the kernel says of processors and memory. */
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";

/** `getconf CLK_TCK` of every Linux there is. */
const ticksPerSecond = 100;
const usPerTick = 1e6 / ticksPerSecond;

export const cores = cpus().length;

/** Time that all cores together were busy since the machine started, in µs. */
export async function busyUs(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq) * usPerTick;
}

export interface Work {
  /** Of the process itself. */
  readonly ownUs: number;
  /** Of those of its children that ended. */
  readonly childrenUs: number;
}

/** CPU time of a process. */
export async function workOf(pid: number): Promise<Work> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields
    .slice(11, 15)
    .map(Number);
  return {
    ownUs: (user + system) * usPerTick,
    childrenUs: (childrenUser + childrenSystem) * usPerTick,
  };
}

export interface Memory {
  readonly residentMb: number;
  /** Most since it started, or since `forgetPeak`. */
  readonly peakMb: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mb = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN) / 1_024;
  return { residentMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}

export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
