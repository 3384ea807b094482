/** Lengths of time as people say them, in one unit or two. */
const units = [
  { ms: 24 * 60 * 60_000, word: "d" },
  { ms: 60 * 60_000, word: "h" },
  { ms: 60_000, word: "min" },
  { ms: 1_000, word: "s" },
] as const;

/** `1 h 30 min`, `45 s`, `250 ms`. */
export function timeText(ms: number): string {
  const index = units.findIndex((unit) => ms >= unit.ms);
  const unit = units[index];
  if (!unit) return `${Math.round(ms)} ms`;
  const whole = Math.floor(ms / unit.ms);
  const first = `${whole} ${unit.word}`;
  const smaller = units[index + 1];
  if (!smaller) return first;
  const rest = Math.floor((ms - whole * unit.ms) / smaller.ms);
  return rest === 0 ? first : `${first} ${rest} ${smaller.word}`;
}
