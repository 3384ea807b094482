/** Sizes as people read them: the same in tables, logs and errors of every part. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `512 B`, `1.5 KiB`, `34 MiB`: two digits are enough to compare. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ""}`;
}
