/** How bytes travel, as a hub tells it, with defaults; each test changes what it is about. */
import type { Distribution, DistributionRow } from "@propagit/protocol";
import { start } from "./samples.js";

export const mib = 1_048_576;

export function row(drone: string, more: Partial<DistributionRow> = {}): DistributionRow {
  const bytes = { bytes: 17 * mib, bytesAll: 34 * mib, bytesPerSecond: 4 * mib };
  return { drone, state: "taking", lags: false, ...bytes, ...more };
}

/** 64 drones, of which 41 have all of it. */
export function distribution(more: Partial<Distribution> = {}): Distribution {
  return {
    at: start + 14_200,
    since: start + 12_100,
    drones: 64,
    done: 41,
    failed: 0,
    lagging: 2,
    artifactBytes: 34 * mib,
    bytes: 1_800 * mib,
    bytesAll: 64 * 34 * mib,
    bytesPerSecond: 118 * mib,
    hubSentBytes: 38 * mib,
    over: false,
    rows: [
      row("web-9", { state: "away", bytes: mib, bytesPerSecond: 0 }),
      row("web-7", { lags: true, bytes: 4 * mib, bytesPerSecond: 40 * 1_024 }),
      row("web-12", { lags: true, bytes: 5 * mib, bytesPerSecond: 0 }),
      row("web-3"),
    ],
    ...more,
  };
}
