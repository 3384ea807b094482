/** All processes of the machine, out of /proc (proc(5)); where there is none, nothing is known of them. */
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";

export interface ProcStat {
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  /** Not a zombie. */
  readonly lives: boolean;
  /** A field by its number in proc(5), from the third on. */
  readonly field: (number: number) => number;
}

/** Numbers of all processes; undefined where there is no /proc. */
export async function readPids(): Promise<readonly number[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
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

/** Many who want to know at once share a look: the next that begins, never one that has begun. */
export function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const ask = (): Promise<T> => {
    if (running === undefined) {
      running = look().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return ask();
      });
    return next;
  };
  return ask;
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
