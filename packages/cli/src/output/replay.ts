/** What was shown before the hub was lost is not shown again when it tells everything from the beginning. */
import type { RolloutProgress } from "@propagit/protocol";

/** Drones times steps, for the largest cluster. */
const keptMax = 100_000;

export interface ReplayFilter {
  /** From now on parts may be ones that came before. */
  begin(): void;
  isNew(part: RolloutProgress): boolean;
}

export function replayFilter(): ReplayFilter {
  const seen = new Set<string>();
  const output = new OutputMark();
  return {
    begin: () => output.begin(),
    isNew: (part) => {
      if (part.kind === "output") return output.isNew(part.at);
      const key = keyOf(part);
      if (seen.has(key)) return false;
      if (seen.size < keptMax) seen.add(key);
      return true;
    },
  };
}

/**
 * How much of the output was shown. Lines repeat themselves and come in their order, so the time of the
 * last one tells, and how many of that very moment were shown: those are told again first.
 */
class OutputMark {
  #at = -1;
  /** Lines of the moment `#at`. */
  #count = 0;
  #shownUntil = -1;
  /** Lines of the moment `#shownUntil` that are still to be told again. */
  #left = 0;

  begin(): void {
    this.#shownUntil = this.#at;
    this.#left = this.#count;
  }

  isNew(at: number): boolean {
    if (at < this.#shownUntil) return false;
    if (at === this.#shownUntil && this.#left > 0) {
      this.#left -= 1;
      return false;
    }
    this.#count = at === this.#at ? this.#count + 1 : 1;
    this.#at = Math.max(this.#at, at);
    return true;
  }
}

/** A restarted hub takes up a phase at another time, and hears of a drone's step when that reports. */
function keyOf(part: Exclude<RolloutProgress, { kind: "output" }>): string {
  return JSON.stringify(part.kind === "drone" || part.kind === "phase" ? { ...part, at: 0 } : part);
}
