/** What the machine has and how busy it is, when somebody asks. */
import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import type { Machine } from "@propagit/protocol";

/** @param folder on the file system whose space counts */
export async function machineStats(folder: string): Promise<Machine> {
  const space = await statfs(folder).catch(() => ({ bsize: 0, blocks: 0, bavail: 0 }));
  return {
    load: loadavg()[0] ?? 0,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    memoryFreeBytes: await availableMemory(),
    diskBytes: space.bsize * space.blocks,
    diskFreeBytes: space.bsize * space.bavail,
  };
}

/** With what the kernel would give back from its caches, where it says how much that is. */
async function availableMemory(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1_024;
}
