/** Artifacts as the swarm's desk tells them, with defaults; each test changes what it is about. */
import type { ShareReport, SwarmView } from "@propagit/protocol";

export type ShareView = SwarmView["shares"][number];

export const commit = "74336bc".padEnd(40, "0");
export const base = "40548da".padEnd(40, "0");
export const start = 1_000_000;
export const mib = 1_048_576;

export function share(
  drone: string,
  report: Partial<ShareReport> = {},
  more: Partial<Omit<ShareView, "report">> = {},
): ShareView {
  return {
    drone,
    role: "drone",
    connected: true,
    lags: false,
    since: start + 100,
    ...more,
    report: {
      artifact: "a".repeat(64),
      state: "taking",
      pieces: 0,
      piecesAll: 64,
      receivedBytes: 0,
      sentBytes: 0,
      wastedBytes: 0,
      receivedBytesPerSecond: 0,
      ...report,
    },
  };
}

export function view(shares: readonly ShareView[], more: Partial<SwarmView> = {}): SwarmView {
  return {
    artifact: "a".repeat(64),
    repo: "webapp",
    commit,
    bytes: 64 * mib,
    pieceBytes: mib,
    madeAt: start + 50,
    hubSentBytes: 0,
    shares: [...shares],
    ...more,
  };
}
