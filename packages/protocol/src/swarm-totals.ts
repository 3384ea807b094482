/**
 * Artifacts with thousands of drones, made small enough to travel, and put together again:
 *
 *     hub: view -> briefView: counts alone            -> a table of all artifacts
 *          view -> viewPieces: a few shares at a time -> joinViews on the other side
 */
import { piecesOf } from "./pieces.js";
import type { SwarmTotals, SwarmView } from "./swarm.js";

type Share = SwarmView["shares"][number];

/** Those that the hub counted, else what its shares say. */
export function totalsOf(view: Pick<SwarmView, "bytes" | "shares" | "totals">): SwarmTotals {
  return view.totals ?? countShares(view.bytes, view.shares);
}

/** Without its shares. */
export function briefView(view: SwarmView): SwarmView {
  return { ...view, totals: totalsOf(view), shares: [] };
}

/** Views of the same artifact, each with some of its shares, that fit into frames. */
export function viewPieces(view: SwarmView): readonly SwarmView[] {
  return piecesOf(view.shares).map((shares) => ({ ...view, shares }));
}

/** What `viewPieces` cut, in the order of the first piece of each. */
export function joinViews(pieces: readonly SwarmView[]): readonly SwarmView[] {
  const joined = new Map<string, SwarmView>();
  for (const piece of pieces) {
    const before = joined.get(piece.artifact);
    if (before) before.shares.push(...piece.shares);
    else joined.set(piece.artifact, { ...piece, shares: [...piece.shares] });
  }
  return [...joined.values()];
}

/** Bytes of the pieces that a share has. */
export function bytesOfShare(artifactBytes: number, { report }: Pick<Share, "report">): number {
  const { pieces, piecesAll } = report;
  if (piecesAll === 0) return 0;
  return Math.round((artifactBytes * Math.min(pieces, piecesAll)) / piecesAll);
}

function countShares(artifactBytes: number, shares: readonly Share[]): SwarmTotals {
  const count = (is: (share: Share) => boolean) => shares.filter(is).length;
  const sum = (of: (share: Share) => number) => shares.reduce((all, share) => all + of(share), 0);
  const isActive = ({ report: { state } }: Share) => state !== "gone" && state !== "failed";
  return {
    drones: count(({ role }) => role === "drone"),
    relays: count(({ role }) => role === "relay"),
    taking: count(({ report }) => report.state === "taking"),
    done: count(({ report }) => report.state === "whole" || report.state === "used"),
    failed: count(({ report }) => report.state === "failed"),
    gone: count(({ report }) => report.state === "gone"),
    lagging: count(({ lags }) => lags),
    bytes: sum((share) => (isActive(share) ? bytesOfShare(artifactBytes, share) : 0)),
    bytesAll: sum((share) => (isActive(share) ? artifactBytes : 0)),
    receivedBytes: sum(({ report }) => report.receivedBytes),
    sentBytes: sum(({ report }) => report.sentBytes),
    wastedBytes: sum(({ report }) => report.wastedBytes),
    bytesPerSecond: sum(({ report }) =>
      report.state === "taking" ? report.receivedBytesPerSecond : 0,
    ),
    banned: new Set(shares.flatMap(({ report }) => (report.banned ?? []).map(({ peer }) => peer)))
      .size,
  };
}
