/** Artifacts as a hub tells them, with defaults; each test changes what it is about. */
import type { ShareReport, SwarmView } from "@propagit/protocol";
import { commit, other, start } from "./samples.js";

export const mib = 1_048_576;
export const artifact = "3f2a9c1e0b12".padEnd(64, "0");

type ShareView = SwarmView["shares"][number];

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
    since: start,
    ...more,
    report: {
      artifact,
      state: "used",
      pieces: 544,
      piecesAll: 544,
      receivedBytes: 34 * mib,
      sentBytes: 0,
      wastedBytes: 0,
      receivedBytesPerSecond: 0,
      ...report,
    },
  };
}

/** Four drones and a relay in two zones. */
export function view(more: Partial<SwarmView> = {}): SwarmView {
  const taking = { state: "taking", receivedBytesPerSecond: 4 * mib } as const;
  const line = (peer: string, receivedBytes: number, sentBytes = 0) => ({
    peer,
    receivedBytes: receivedBytes * mib,
    sentBytes: sentBytes * mib,
  });
  return {
    artifact,
    repo: "webapp",
    commit,
    base: other,
    bytes: 34 * mib,
    pieceBytes: 65_536,
    madeAt: start - 180_000,
    hubSentBytes: 37 * mib,
    shares: [
      share(
        "web-1",
        { sentBytes: 40 * mib, lines: [line("hub", 30), line("web-2", 4, 20)] },
        { zone: "a" },
      ),
      share(
        "web-2",
        { ...taking, pieces: 272, receivedBytes: 17 * mib, lines: [line("web-1", 17, 4)] },
        { zone: "a" },
      ),
      share(
        "relay-b",
        { lines: [line("hub", 7), line("web-1", 20)] },
        { zone: "b", role: "relay" },
      ),
      share(
        "web-10",
        {
          ...taking,
          pieces: 40,
          receivedBytes: 3 * mib,
          receivedBytesPerSecond: 40_960,
          wastedBytes: 65_536,
          lines: [line("relay-b", 3)],
          banned: [{ peer: "web-3", reason: "piece 7 is not what the manifest says" }],
        },
        { zone: "b", lags: true },
      ),
      share(
        "web-3",
        { state: "failed", pieces: 0, receivedBytes: 0, reason: "the disk is\u001B[2J full" },
        { zone: "b", connected: false },
      ),
    ],
    ...more,
  };
}
