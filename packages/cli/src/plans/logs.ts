/**
 * What happens to a plan, line by line, as deployerlib said it:
 *
 *     2014-12-03 15:29:01,891 [INFO    ] [TestCommand    ] [local] Executing test command: Hello World / None
 *     time                    level      who               host    what
 */
import type { Log } from "@propagit/runtime";
import { plainText } from "../output/text-width.js";
import { formatMoment } from "../output/duration.js";

export type Level = "INFO" | "WARNING" | "ERROR";

export interface LogLine {
  readonly at: number;
  readonly level: Level;
  readonly who: string;
  /** Absent: of no host in particular. */
  readonly host?: string;
  readonly message: string;
}

export function formatLine({ at, level, who, host = "*", message }: LogLine): string {
  const ms = String(at % 1_000).padStart(3, "0");
  const text = plainText(message.replaceAll(/\s*\n\s*/g, "; "));
  return `${formatMoment(at)},${ms} [${level.padEnd(8)}] [${who.padEnd(15)}] [${host}] ${text}\n`;
}

export function lineLog(who: string, write: (line: string) => void): Log {
  const line = (level: Level, message: string) =>
    write(formatLine({ at: Date.now(), level, who, message }));
  return { info: (message) => line("INFO", message), warn: (message) => line("WARNING", message) };
}
