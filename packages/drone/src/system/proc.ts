/** All processes of the machine, out of /proc (proc(5)); where there is none, nothing is known of them. */
import { readdir } from "node:fs/promises";

/** Numbers of all processes; undefined where there is no /proc. */
export async function readPids(): Promise<readonly number[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
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
