/** One artifact and everybody who takes part in it, as it is shown. */
import type { ShareReport, SwarmView } from "@propagit/protocol";
import { lagging, type Seat } from "@propagit/swarm";
import type { KeptArtifact } from "../artifacts.js";

export function swarmView(
  kept: KeptArtifact,
  { seats, hubSentBytes, now }: { seats: readonly Seat[]; hubSentBytes: number; now: number },
): SwarmView {
  const { artifact, repo, commit, base, bytes, pieceBytes, madeAt } = kept;
  const behind = lagging(seats, now);
  return {
    artifact,
    repo,
    commit,
    ...(base !== undefined && { base }),
    bytes,
    pieceBytes,
    madeAt,
    hubSentBytes,
    shares: seats.map((seat) => ({
      drone: seat.participant.name,
      role: seat.participant.role,
      ...(seat.participant.zone !== undefined && { zone: seat.participant.zone }),
      connected: seat.isConnected,
      lags: behind.has(seat.participant.name),
      since: seat.since,
      report: seat.report ?? nothingYet(kept),
    })),
  };
}

/** Of somebody who was let in and has not said anything. */
function nothingYet({ artifact, bytes, pieceBytes }: KeptArtifact): ShareReport {
  return {
    artifact,
    state: "taking",
    pieces: 0,
    piecesAll: Math.ceil(bytes / pieceBytes),
    receivedBytes: 0,
    sentBytes: 0,
    wastedBytes: 0,
    receivedBytesPerSecond: 0,
  };
}
