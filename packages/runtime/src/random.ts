/** Randomness as it comes in from outside: the machine's in `system/`, seeded in `simulated/`. */
export interface Random {
  /** `chars` lower-case hex characters; unguessable in the real world. */
  hex(chars: number): string;
  /** A number in [0, 1). */
  fraction(): number;
}

/** A whole number from `low` to `high`, both included. */
export function randomBetween(random: Random, low: number, high: number): number {
  return low + Math.floor(random.fraction() * (high - low + 1));
}
