/** How long the parts of a release take, by what they took in the last ones of its environment. */
import type { RolloutPhase } from "@propagit/protocol";
import { releasesIn } from "../release-history.js";
import type { LedgerRows } from "../draft.js";

/** Releases that are looked at. */
const releasesMax = 5;

/** The command that takes the time of a phase. */
const commandOf: Partial<Record<RolloutPhase, string>> = {
  building: "build",
  testing: "test",
  releasing: "release-step",
  starting: "wait-healthy",
  promoting: "shift-traffic",
};

/** Those that only write are over at once. */
const writing = ["open-release", "start", "close-release", "undo-release"] as const;

/** In ms, by command; empty when nothing was ever released there. */
export function pastDurations(
  rows: LedgerRows,
  repo: string,
  environment: string,
): ReadonlyMap<string, number> {
  const ended = releasesIn(rows, repo, environment).filter(({ state }) => state === "ready");
  const sums = new Map<string, { ms: number; count: number }>();
  for (const { phases } of ended.slice(0, releasesMax)) {
    for (const { phase, tookMs } of phases) {
      const command = commandOf[phase];
      if (command === undefined) continue;
      const sum = sums.get(command) ?? { ms: 0, count: 0 };
      sums.set(command, { ms: sum.ms + tookMs, count: sum.count + 1 });
    }
  }
  if (sums.size === 0) return new Map();
  const past = [...sums].map(([command, { ms, count }]): [string, number] => [
    command,
    Math.round(ms / count),
  ]);
  const written = writing.map((command): [string, number] => [command, 0]);
  return new Map([...written, ["shift-traffic", 0], ...past]);
}
