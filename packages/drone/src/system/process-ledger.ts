/**
 * Which processes this drone has started and not seen the end of, on disk before they start: a drone that
 * was killed with -9 finds and ends them in its next life, so that no ghost keeps serving.
 */
import { readFile } from "node:fs/promises";
import { parseJson } from "@propagit/protocol";
import { identifyProcess, isRunning, type Clock, type Disk, type Log } from "@propagit/runtime";
import { endGroup, isGroupAlive, listProcesses } from "./process-group.js";

interface Entry {
  readonly process: string;
  /** Absent until the process is there. */
  readonly pid?: number;
  readonly startTime?: string;
}

export class ProcessLedger {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** @throws DATA_UNUSABLE: what cannot be remembered must not be started */
  async intend(process: string): Promise<void> {
    this.#entries.set(process, { process });
    await this.#write();
  }

  async started(process: string, pid: number): Promise<void> {
    const identity = await identifyProcess(pid);
    if (!identity || !this.#entries.has(process)) return;
    this.#entries.set(process, { process, ...identity });
    await this.#write();
  }

  async ended(process: string): Promise<void> {
    this.#entries.delete(process);
    await this.#write();
  }

  /** Ends the process groups that the last life of this drone left running. */
  async endLeftovers(clock: Clock, log: Log, graceMs: number): Promise<void> {
    const entries = readEntries(await this.#disk.read(this.#path));
    const groups = await leftoverGroups(entries);
    if (groups.length > 0) {
      log.warn(`ending ${groups.length} process group(s) that the last life of this drone left`);
    }
    await Promise.all(groups.map((group) => endGroup(clock, group, graceMs)));
    await this.#write();
  }

  #write(): Promise<void> {
    const written = this.#writing.then(() =>
      this.#disk.writeAtomic(this.#path, JSON.stringify([...this.#entries.values()]), {
        mode: 0o600,
      }),
    );
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

function readEntries(text: string | undefined): readonly Entry[] {
  const parsed = text === undefined ? undefined : parseJson(text);
  if (!Array.isArray(parsed)) return [];
  return parsed.filter(
    (entry: Partial<Entry> | null): entry is Entry =>
      typeof entry?.process === "string" && /^[0-9a-f]{8,}$/.test(entry.process),
  );
}

/**
 * A leader is known by pid and start time; whatever else carries its PROCESS_ID in its environment
 * belongs to it too, also when the leader died, or was never written down.
 */
async function leftoverGroups(entries: readonly Entry[]): Promise<readonly number[]> {
  const groups = new Set<number>();
  for (const { pid, startTime } of entries) {
    // Without a start time a pid proves nothing: it may be somebody else's by now.
    if (pid === undefined || !startTime) continue;
    if (await isRunning({ pid, startTime })) groups.add(pid);
  }
  const wanted = new Set(entries.map(({ process }) => process));
  const all = wanted.size === 0 ? [] : ((await listProcesses()) ?? []);
  for (const { pid, group } of all) {
    const id = await processIdOf(pid);
    if (id !== undefined && wanted.has(id) && (await isGroupAlive(group))) groups.add(group);
  }
  return [...groups];
}

async function processIdOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return text
    .split("\0")
    .find((variable) => variable.startsWith("PROCESS_ID="))
    ?.slice("PROCESS_ID=".length);
}
