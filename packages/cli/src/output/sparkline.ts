/** A row of numbers as a row of bars, the newest on the right. */

const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/**
 * As wide as `columns`; the highest bar is the largest number shown. Nothing at all is a space, so that
 * quiet seconds and missing ones can be told from little.
 */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = values.slice(-columns);
  const most = Math.max(...shown, 0);
  const line = shown.map((value) => (value > 0 ? barOf(value / most) : " ")).join("");
  return line.padStart(columns);
}

function barOf(part: number): string {
  return bars[Math.min(bars.length - 1, Math.floor(part * bars.length))] ?? bars[0];
}
