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
  let outputAt = -1;
  let replayedUntil = -1;
  return {
    begin: () => {
      replayedUntil = outputAt;
    },
    isNew: (part) => {
      if (part.kind === "output") {
        // Lines repeat themselves, so here only the time tells what was shown.
        if (part.at <= replayedUntil) return false;
        outputAt = Math.max(outputAt, part.at);
        return true;
      }
      const key = keyOf(part);
      if (seen.has(key)) return false;
      if (seen.size < keptMax) seen.add(key);
      return true;
    },
  };
}

/** A step of a drone may get another time when a restarted hub learns of it from the drone's report. */
function keyOf(part: Exclude<RolloutProgress, { kind: "output" }>): string {
  return JSON.stringify(part.kind === "drone" ? { ...part, at: 0 } : part);
}
