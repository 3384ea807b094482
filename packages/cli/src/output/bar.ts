/** A part of a whole as a bar that is read without colours, too: `███████░░░`. */
import { dimColour, goodColour } from "./colour.js";

const full = "█";
const empty = "░";

/** Full only when nothing is missing, empty only when there is nothing. */
export function formatBar(part: number, whole: number, columns: number): string {
  const share = whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole));
  const rounded = Math.round(share * columns);
  const least = share > 0 ? 1 : 0;
  const most = share < 1 ? columns - 1 : columns;
  const filled = Math.max(0, Math.min(most, Math.max(least, rounded)));
  return goodColour(full.repeat(filled)) + dimColour(empty.repeat(Math.max(0, columns - filled)));
}

/** 100 only when nothing is missing. */
export function wholePercent(part: number, whole: number): number {
  return whole <= 0 ? 100 : Math.floor((Math.min(part, whole) * 100) / whole);
}
