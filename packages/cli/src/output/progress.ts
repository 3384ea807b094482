/** A line per drone and step, as things happen: `web-1   ready on port 15194`. */
import type { DroneProgress } from "@propagit/protocol";
import { badColour, dimColour, goodColour } from "./colour.js";

/** Width that most drone names fit in; longer ones push their own line only. */
const nameWidth = 12;

/** The line, and the last output of what failed below it. */
export function formatProgress(progress: DroneProgress): string {
  const name = progress.drone.padEnd(nameWidth);
  const lines = (progress.lastLines ?? []).map((line) =>
    dimColour(`${" ".repeat(nameWidth)}   | ${line}`),
  );
  return [`${name} ${describe(progress)}`, ...lines].map((line) => `${line}\n`).join("");
}

function describe({ phase, port, reason }: DroneProgress): string {
  const because = reason === undefined ? "" : `: ${reason}`;
  switch (phase) {
    case "ready":
      return goodColour(`ready${port === undefined ? "" : ` on port ${port}`}`);
    case "unchanged":
      return goodColour(`runs it already${port === undefined ? "" : ` on port ${port}`}`);
    case "failed":
      return badColour(`failed${because}`);
    case "away":
      return badColour(`away${because}`);
    case "fetched":
    case "checked out":
    case "started":
    case "stopping":
    case "stopped":
      return `${phase}${because}`;
    default:
      return phase satisfies never;
  }
}
