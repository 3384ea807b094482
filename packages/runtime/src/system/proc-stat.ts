/** What the kernel tells of a process in /proc/PID/stat (proc(5)). */
import { readFileSync } from "node:fs";

export interface ProcStat {
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  /** Not a zombie. */
  readonly lives: boolean;
  /** A field by its number in proc(5), from the third on. */
  readonly field: (number: number) => number;
}

/** Undefined when it has gone. */
export function readStat(pid: number): ProcStat | undefined {
  const text = readNow(`/proc/${pid}/stat`);
  if (text === "") return undefined;
  // The second field, in parentheses, may itself hold spaces and parentheses.
  const [state, ...others] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(others[number - 4]);
  const lives = state !== "Z" && state !== "X";
  return { pid, group: field(5), session: field(6), lives, field };
}

/**
 * At once, as nothing is read from a disk: the other way takes 64 KiB for each file of /proc, which stay until
 * the next collection; starting 50 instances left 20 MB of them.
 */
function readNow(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
