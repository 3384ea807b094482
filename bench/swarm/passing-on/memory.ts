/**
 * Memory that was used before, for those who are measured. Under a hypervisor the first use of a page costs the
 * machine a trip to its host: measured 2 s of CPU for each GB that is written to files, and 0.3 s from then on; and
 * what lies free for two seconds is given back to the host. So a file holds pages that were used, and is cut as the
 * machine runs short of others.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** More than is written between two looks. */
const spareBytes = 64 * 2 ** 20;
const lookMs = 10;
const chunkBytes = 2 ** 22;

/** @param bytes that `work` writes to files */
export async function withUsedMemory<T>(
  folder: string,
  bytes: number,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, "used-memory");
  const file = openSync(path, "w");
  let left = Math.ceil((bytes + spareBytes) / chunkBytes) * chunkBytes;
  const zeros = Buffer.alloc(chunkBytes);
  for (let at = 0; at < left; at += chunkBytes) writeSync(file, zeros);
  const wanted = freeBytes() + spareBytes;
  const lend = () => {
    const missing = wanted - freeBytes();
    if (missing <= 0 || left === 0) return;
    left = Math.max(0, left - missing);
    ftruncateSync(file, left);
  };
  const timer = setInterval(lend, lookMs);
  try {
    lend();
    return await work();
  } finally {
    clearInterval(timer);
    closeSync(file);
    rmSync(path);
  }
}

function freeBytes(): number {
  const found = /MemFree:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}
