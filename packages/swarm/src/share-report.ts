/** What a share says of itself. */
import { PropagitError, type ShareReport } from "@propagit/protocol";
import type { PieceSet } from "./core/piece-set.js";
import type { Intake } from "./intake.js";

/** Most that a report lists of lines and of banned peers. */
export const reportListMax = 64;

export interface LineTotals {
  receivedBytes: number;
  sentBytes: number;
}

/** Per peer, over all lines that there were to it. */
export class Totals {
  readonly #byPeer = new Map<string, LineTotals>();

  received(peer: string, bytes: number): void {
    this.#of(peer).receivedBytes += bytes;
  }

  sent(peer: string, bytes: number): void {
    this.#of(peer).sentBytes += bytes;
  }

  get sentBytes(): number {
    let sum = 0;
    for (const { sentBytes } of this.#byPeer.values()) sum += sentBytes;
    return sum;
  }

  /** Most bytes first. */
  list(): NonNullable<ShareReport["lines"]> {
    const all = [...this.#byPeer].map(([peer, totals]) => ({ peer, ...totals }));
    const sum = (line: LineTotals) => line.receivedBytes + line.sentBytes;
    all.sort((left, right) => sum(right) - sum(left));
    return all.slice(0, reportListMax);
  }

  #of(peer: string): LineTotals {
    const known = this.#byPeer.get(peer) ?? { receivedBytes: 0, sentBytes: 0 };
    this.#byPeer.set(peer, known);
    return known;
  }
}

export function reportOf(options: {
  readonly artifact: string;
  readonly state: ShareReport["state"];
  /** Both absent while the manifest is not known. */
  readonly have: PieceSet | undefined;
  readonly intake: Intake | undefined;
  readonly totals: Totals;
  readonly lacksPeers: boolean;
  readonly banned: NonNullable<ShareReport["banned"]>;
  readonly reason: string | undefined;
}): ShareReport {
  const { artifact, banned, have, intake, lacksPeers, reason, state, totals } = options;
  const lines = totals.list();
  const rate = state === "taking" ? (intake?.bytesPerSecond() ?? 0) : 0;
  return {
    artifact,
    state,
    pieces: have?.count ?? 0,
    piecesAll: have?.size ?? 0,
    receivedBytes: intake?.receivedBytes ?? 0,
    sentBytes: totals.sentBytes,
    wastedBytes: intake?.wastedBytes ?? 0,
    receivedBytesPerSecond: Math.round(rate),
    ...(lacksPeers && { lacksPeers }),
    ...(lines.length > 0 && { lines }),
    ...(banned.length > 0 && { banned }),
    ...(reason !== undefined && { reason: reason.slice(0, 2_000) }),
  };
}

/** Why a share gave up: of whom it was wanted, and what became of that. */
export function silenceOf(
  report: ShareReport,
  silenceMs: number,
  connected: readonly string[],
  known: string,
): PropagitError {
  const { artifact, pieces, piecesAll } = report;
  return new PropagitError(
    "TIMED_OUT",
    `nothing of artifact ${artifact.slice(0, 12)} came for ${Math.round(silenceMs / 1000)} s, with ` +
      `${pieces} of ${piecesAll} pieces here: connected to ` +
      `${connected.slice(0, 8).join(", ") || "nobody"}, knows ${known}`,
  );
}

/** Whoever lacks peers says so again: the hub does not help at once, and nothing else changes meanwhile. */
const lackEveryMs = 5_000;

/**
 * Between two times that something is told of: a second at first, later a part of the time that it takes already. The
 * hub's answers to what a thousand drones tell, if only that it came, are a good part of what it sends.
 */
const tellMs = { least: 1_000, most: 2_000, part: 0.1 } as const;

/** Tells of changes, at most once a second, and at once when a state begins. */
export class Reporter {
  readonly #build: () => ShareReport;
  readonly #tell: (report: ShareReport) => void;
  #beganAt = -Infinity;
  #toldAt = -Infinity;
  #last = "";

  constructor(build: () => ShareReport, tell: (report: ShareReport) => void) {
    this.#build = build;
    this.#tell = tell;
  }

  begins(now: number): void {
    this.#beganAt = now;
    this.#toldAt = now;
    const report = this.#build();
    this.#last = keyOf(report);
    this.#tell(report);
  }

  tick(now: number): void {
    const { least, most, part } = tellMs;
    const pauseMs = Math.min(most, Math.max(least, (now - this.#beganAt) * part));
    if (now - this.#toldAt < pauseMs) return;
    const report = this.#build();
    const key = keyOf(report);
    const isCall = report.lacksPeers === true && now - this.#toldAt >= lackEveryMs;
    if (key === this.#last && !isCall) return;
    this.#toldAt = now;
    this.#last = key;
    this.#tell(report);
  }
}

/** What makes a report worth telling again. */
function keyOf(report: ShareReport): string {
  const { pieces, sentBytes, receivedBytes, wastedBytes, lacksPeers, banned, state } = report;
  return `${state} ${pieces} ${receivedBytes} ${sentBytes} ${wastedBytes} ${lacksPeers} ${banned?.length}`;
}
