/** Durations and sizes as people write them: `10s`, `1.5h`, `512M`. */
import type { Result } from "./shape.js";

const millisecondsOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
export const durationPattern = "^\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d)$";

const bytesOf = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;
export const sizePattern = "^\\d{1,15}(?:\\.\\d{1,3})?(?:[KMGT](?:i?B)?)?$";

/** In milliseconds. */
export function parseDuration(text: string): Result<number> {
  if (!new RegExp(durationPattern).test(text)) {
    const why = /^\d+$/.test(text) ? `has no unit; write ${text}s` : "is not a duration";
    return { ok: false, why: `${why} (500ms, 10s, 1m, 24h, 7d)` };
  }
  const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof millisecondsOf;
  return { ok: true, value: Math.round(Number.parseFloat(text) * millisecondsOf[unit]) };
}

/** So that it is read as the same, in the largest unit that says it: `90m`, not `1.5h`. */
export function formatDuration(ms: number): string {
  const units = ["d", "h", "m", "s"] as const;
  const unit = units.find((one) => ms % millisecondsOf[one] === 0 && ms > 0);
  if (unit !== undefined) return `${ms / millisecondsOf[unit]}${unit}`;
  if (ms === 0) return "0s";
  return ms < 1_000 ? `${ms}ms` : `${(ms / 1_000).toFixed(3).replace(/0+$/, "")}s`;
}

/** Bytes; the units are powers of 1024, as everywhere where memory is limited. */
export function parseSize(text: string): Result<number> {
  if (!new RegExp(sizePattern).test(text)) {
    return { ok: false, why: "is not a size, such as 512M or 1.5G" };
  }
  const unit = (/[KMGT]/.exec(text)?.[0] ?? "") as keyof typeof bytesOf;
  const value = Math.round(Number.parseFloat(text) * bytesOf[unit]);
  return Number.isSafeInteger(value) ? { ok: true, value } : { ok: false, why: "is above 8191T" };
}
