/** What the receiving side of an artifact is given, and whom it tells what. */
import type { Random } from "@propagit/runtime";
import type { PieceSet } from "./core/piece-set.js";
import type { Availability } from "./core/selection.js";
import type { TokenBucket } from "./core/token-bucket.js";
import type { Manifest } from "./manifest.js";
import type { Neighbours } from "./neighbours.js";
import type { Peer } from "./peer.js";
import type { Digests, PieceFile } from "./world.js";

export interface IntakeOptions {
  readonly manifest: Manifest;
  readonly file: PieceFile;
  readonly have: PieceSet;
  readonly availability: Availability;
  readonly digests: Digests;
  readonly random: Random;
  readonly now: () => number;
  readonly peers: () => Iterable<Peer>;
  readonly neighbours: Neighbours;
  readonly cap: TokenBucket | undefined;
  /** Of this process, how many artifacts come in at once. */
  readonly intakes: () => number;
  readonly received: (peer: Peer, bytes: number) => void;
  /** A piece is checked and written. */
  readonly kept: (piece: number) => void;
  readonly failed: (reason: unknown) => void;
  readonly ban: (peer: Peer, reason: string) => void;
  /** Ends a line that is of no use; it may come back. */
  readonly drop: (peer: Peer, reason: string) => void;
}
