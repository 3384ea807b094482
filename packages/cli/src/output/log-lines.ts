/** Output of instances, one line each: time, where it comes from, what it says. */
import type { LogLine } from "@propagit/protocol";
import { dimColour, isColourful, tellApart } from "./colour.js";
import { formatMoment, formatTime } from "./duration.js";
import { print, printJsonLine } from "./print.js";
import { plainText, styledText } from "./text-width.js";

export interface LogPrinterFlags {
  readonly json?: boolean;
}

const dayMs = 86_400_000;

/** Prints the pieces of a stream of output as they come. */
export function openLogPrinter(flags: LogPrinterFlags): (lines: readonly LogLine[]) => void {
  if (flags.json) return (lines) => lines.forEach(printJsonLine);
  const format = logLineFormat(Date.now());
  return (lines) => print(lines.map(format).join(""));
}

/** Names are aligned as far as they have been seen; the day is shown when it is not this one. */
export function logLineFormat(now: number): (line: LogLine) => string {
  let width = 0;
  return (line) => {
    const name = `${line.drone}/${line.service}.${line.slot}`;
    width = Math.max(width, Math.min(name.length, nameWidthMax));
    const time = now - line.at < dayMs ? formatTime(line.at) : formatMoment(line.at);
    const text = isColourful ? styledText(line.text) : plainText(line.text);
    return `${dimColour(time)} ${tellApart(line.process, name.padEnd(width))} ${text}\n`;
  };
}

/** One long name must not push everything to the right for ever. */
const nameWidthMax = 32;
