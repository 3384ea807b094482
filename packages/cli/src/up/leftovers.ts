/**
 * Processes of an earlier `up` that was killed: they still hold the ports and the data folders. Known by
 * a file, and by their start time, so that a pid that is used again is never ended.
 */
import { join } from "node:path";
import { parseJson } from "@propagit/protocol";
import {
  identifyProcess,
  isRunning,
  nodeClock,
  nodeDisk,
  sleep,
  type ProcessIdentity,
} from "@propagit/runtime";

/** From SIGTERM to SIGKILL. */
const deadlineMs = 15_000;
const lookMs = 50;

export class Leftovers {
  readonly #path: string;
  readonly #processes = new Map<string, ProcessIdentity>();

  constructor(dataFolder: string) {
    this.#path = join(dataFolder, "processes.json");
  }

  /** Ends what an earlier life left running; instances of the drone stay, as they do on SIGTERM. */
  async clear(): Promise<readonly string[]> {
    const known = parseJson((await nodeDisk.read(this.#path)) ?? "{}") ?? {};
    const found = [];
    for (const [name, value] of Object.entries(known)) {
      const { pid, startTime } = (value ?? {}) as Partial<ProcessIdentity>;
      if (typeof pid !== "number" || typeof startTime !== "string") continue;
      if (await isRunning({ pid, startTime })) found.push({ name, identity: { pid, startTime } });
    }
    await Promise.all(found.map(({ identity }) => endProcess(identity)));
    return found.map(({ name }) => name);
  }

  async remember(name: string, pid: number): Promise<void> {
    const identity = await identifyProcess(pid);
    if (!identity) return;
    this.#processes.set(name, identity);
    await nodeDisk.writeAtomic(this.#path, JSON.stringify(Object.fromEntries(this.#processes)));
  }

  forget(): Promise<void> {
    return nodeDisk.remove(this.#path);
  }
}

async function endProcess(identity: ProcessIdentity): Promise<void> {
  signal(identity.pid, "SIGTERM");
  const end = nodeClock.monotonic() + deadlineMs;
  while (await isRunning(identity)) {
    if (nodeClock.monotonic() > end) signal(identity.pid, "SIGKILL");
    await sleep(nodeClock, lookMs);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
