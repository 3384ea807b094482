/** What a drone remembers of tasks of plans: the end of each attempt, and that one began which may run once. */
import { check, commandEndSchema, parseJson, type DroneCommandEnd } from "@propagit/protocol";

export interface CommandRecord {
  /** Of the attempt; see `drone.command`. */
  readonly key: string;
  /** Absent: it was begun, and nobody has seen its end. */
  readonly end?: DroneCommandEnd;
}

export function encodeCommandRecord(record: CommandRecord): string {
  return JSON.stringify(record);
}

/** Undefined when it is no record of that key. */
export function parseCommandRecord(text: string, key: string): CommandRecord | undefined {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return undefined;
  const { key: written, end } = value as Partial<CommandRecord>;
  if (written !== key) return undefined;
  if (end === undefined) return { key };
  const checked = check(commandEndSchema, end);
  return checked.ok ? { key, end: checked.value } : undefined;
}
