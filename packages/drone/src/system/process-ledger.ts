/**
 * The list of processes that drones before release 0.2 kept in one file, and whose instances have no shim:
 * what it names is ended, once, and the file goes.
 */
import { parseJson } from "@propagit/protocol";
import { isRunning, type Clock, type Disk, type Log } from "@propagit/runtime";
import { endBelongings, type Belongings } from "./process-group.js";

interface Entry {
  readonly process: string;
  /** Absent until the process was there. */
  readonly pid?: number;
  readonly startTime?: string;
}

export interface OldLedger {
  readonly disk: Disk;
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs: number;
}

/** Ends the processes that a drone of an earlier version left running. */
export async function endOldLedger({ disk, path, clock, log, graceMs }: OldLedger): Promise<void> {
  const text = await disk.read(path);
  if (text === undefined) return;
  const entries = readEntries(text);
  if (entries.length > 0) {
    log.warn(`ending ${entries.length} process(es) that an earlier version of this drone left`);
  }
  const all = await Promise.all(entries.map(belongingsOf));
  await Promise.all(all.map((belongings) => endBelongings(clock, belongings, graceMs)));
  await disk.remove(path);
}

/** Without a start time a pid proves nothing: it may be somebody else's by now. */
async function belongingsOf({ process, pid, startTime }: Entry): Promise<Belongings> {
  const isThere = pid !== undefined && !!startTime && (await isRunning({ pid, startTime }));
  return { process, group: isThere ? pid : undefined };
}

function readEntries(text: string): readonly Entry[] {
  const parsed = parseJson(text);
  if (!Array.isArray(parsed)) return [];
  return parsed.filter(
    (entry: Partial<Entry> | null): entry is Entry =>
      typeof entry?.process === "string" && /^[0-9a-f]{8,}$/.test(entry.process),
  );
}
