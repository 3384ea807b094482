/**
 * Taking part in artifacts, as hub, relay and drone see it. One `Swarm` for each process; a `Share` is its
 * part in one artifact, whether it fetches or only serves.
 */
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import type { SignedManifest } from "./manifest.js";
import type { PeerLine } from "./world.js";

/** A grant with its secret, and the keys of its peers, in clear. */
export interface Admission {
  readonly artifact: string;
  readonly bytes: number;
  /** Of the holder, 64 hex characters; see core/claim.ts. */
  readonly secret: string;
  readonly holder: string;
  readonly expiresAt: number;
  /** The hub's time when it was given, in ms since 1970. */
  readonly hubNow: number;
  /** Ed25519, SPKI as base64. */
  readonly hubKey: string;
  readonly peers: readonly SwarmPeer[];
}

/** Of an artifact whose bytes are here already: the hub's own. */
export interface Offer extends Omit<Admission, "peers" | "bytes"> {
  readonly manifest: SignedManifest;
  /** The file that holds the bytes; it is read only, and stays where it is. */
  readonly path: string;
}

export interface SwarmOptions {
  /** How others know this one; of the hub `hub`. */
  readonly name: () => string;
  readonly role: "hub" | "relay" | "drone";
  readonly zone: string | undefined;
  /** Of all artifacts together; default: no bound. */
  readonly sendBytesPerSecondMax?: number;
  readonly receiveBytesPerSecondMax?: number;
  /** Told when a share changed, at most once a second for each and at once when a state begins. */
  readonly changed: (report: ShareReport) => void;
}

export interface Swarm {
  /**
   * Takes part: begins with what is on disk. With an artifact that it takes part in already the peers and
   * the newer admission are added, and the same share comes back.
   */
  take(admission: Admission): Share;
  /** Serves an artifact whose bytes are here. */
  offer(offer: Offer): Promise<Share>;
  share(artifact: string): Share | undefined;
  readonly shares: readonly Share[];
  /**
   * The key for an identity that somebody shows who dials here; undefined when it is none of ours, or has
   * expired. For the transport, which must answer at once.
   */
  keyFor(identity: string): string | undefined;
  /** A line that somebody dialled and proved the claim of. */
  accept(line: PeerLine): void;
  /** Ends all lines; what is on disk stays. */
  stop(): Promise<void>;
}

export interface Share {
  readonly artifact: string;
  /** Of the holder, as its admission says. */
  readonly secret: string;
  /** Of the bytes; complete and checked once `whole` has resolved. */
  readonly path: Promise<string>;
  /**
   * Resolves once all bytes are there and are what the manifest says.
   *
   * @throws DATA_UNUSABLE when the disk is full, LINK_LOST when it was ended before, TIMED_OUT when nothing
   * came from anybody for a long time; it says of whom it was wanted
   */
  readonly whole: Promise<void>;
  readonly report: ShareReport;
  introduce(peers: readonly SwarmPeer[]): void;
  /** Git has taken it: from now on it only serves. */
  used(): void;
  /** Why it is of no use, although every piece is right; it is no longer served. */
  spoiled(reason: string): void;
  /** When somebody got a piece from here, or wanted one, in ms of the clock; 0 for never. */
  readonly wantedAt: number;
  /** Lines to peers that are open now. */
  readonly lineCount: number;
  /** Takes no part any more; `forget` also removes what is on disk. */
  end(how: "keep" | "forget"): Promise<void>;
}
