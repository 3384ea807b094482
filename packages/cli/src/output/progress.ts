/** A line per drone and step, as things happen: `web-1   ready on port 15194`. */
import type { DroneOutcome, DroneProgress } from "@propagit/protocol";
import { badColour, dimColour, goodColour } from "./colour.js";
import { plainText } from "./text-width.js";

/** Width that most drone names fit in; longer ones push their own line only. */
const nameWidth = 12;

/** The line, and the last output of what failed below it. */
export function formatProgress(progress: DroneProgress): string {
  const name = progress.drone.padEnd(nameWidth);
  const lines = (progress.lastLines ?? []).map((line) =>
    dimColour(`${" ".repeat(nameWidth)}   | ${plainText(line)}`),
  );
  return [`${name} ${describeProgress(progress)}`, ...lines].map((line) => `${line}\n`).join("");
}

/** A line that a command wrote on a drone. */
export function formatOutput({ drone, text }: { drone: string; text: string }): string {
  return `${dimColour(`${drone.padEnd(nameWidth)} |`)} ${plainText(text)}\n`;
}

/** How far a drone is, with port or reason: `ready on port 15194`, `failed: exited with code 3`. */
export function describeProgress({ phase, ready, wanted, port, reason }: DroneProgress): string {
  const because = reason === undefined ? "" : `: ${plainText(reason)}`;
  const several = wanted !== undefined && wanted > 1 ? ` (${ready ?? 0} of ${wanted} ready)` : "";
  switch (phase) {
    case "ready":
    case "unchanged":
      return goodColour(`${readyWords[phase]}${atPort(port, wanted)}`);
    case "failed":
    case "away":
      return badColour(`${phase}${because}`);
    case "fetched":
    case "checked out":
    case "started":
    case "stopping":
    case "stopped":
      return `${phase}${several}${because}`;
    default:
      return phase satisfies never;
  }
}

/** What came of a drone in the end, in the same words. */
export function describeOutcome({ outcome, ...rest }: DroneOutcome): string {
  return describeProgress({ ...rest, phase: outcome, at: 0 });
}

const readyWords = { ready: "ready", unchanged: "runs it already" } as const;

function atPort(port: number | undefined, wanted = 1): string {
  if (wanted > 1) return `, ${wanted} instances`;
  return port === undefined ? "" : ` on port ${port}`;
}
