/**
 * How the manifest of an artifact gets here: from what an earlier life kept, or from any peer, one after the
 * other. Whoever sends another one than the hub signed is not believed any more.
 */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { encodeManifestParts, type PeerFrame } from "./core/frames.js";
import { checkManifest, type Manifest, type SignedManifest } from "./manifest.js";
import { ManifestParts, packSigned, parseSigned } from "./manifest-parts.js";
import type { Peer } from "./peer.js";
import type { Admission } from "./swarm.js";
import type { Digests } from "./world.js";

/**
 * Somebody else is asked too when the one who was asked says nothing for `quietMs`, or talks of other things
 * for `sameMs`; then he may be asked again.
 */
const patience = { quietMs: 500, sameMs: 10_000 } as const;

/** Questions on one line; who waits for a slow answer asks every ten seconds. */
const asksMax = 64;

export interface KnownManifest {
  readonly signed: SignedManifest;
  readonly manifest: Manifest;
}

export interface ManifestSearchOptions {
  readonly admission: () => Admission;
  readonly digests: Digests;
  readonly now: () => number;
  readonly peers: () => Iterable<Peer>;
  readonly found: (known: KnownManifest) => void;
}

export class ManifestSearch {
  readonly #options: ManifestSearchOptions;
  readonly #parts = new Map<Peer, ManifestParts>();
  #isOver = false;

  constructor(options: ManifestSearchOptions) {
    this.#options = options;
  }

  /** Asks somebody, unless somebody who was asked is at it. */
  run(): void {
    if (this.#isOver) return;
    const now = this.#options.now();
    const isAsked = (peer: Peer) => now - peer.manifestAt < patience.sameMs;
    for (const peer of this.#parts.keys()) {
      const quietMs = now - Math.max(peer.manifestAt, peer.heardAt);
      if (isAsked(peer) && quietMs < patience.quietMs) return;
    }
    for (const peer of this.#options.peers()) {
      if (!peer.knowsManifest || isAsked(peer)) continue;
      peer.manifestAt = now;
      // A slow answer to an earlier question still counts: answers come in order.
      if (!this.#parts.has(peer)) this.#parts.set(peer, new ManifestParts());
      peer.send({ kind: "ask" });
      return;
    }
  }

  /** Why nobody sends such a thing, if nobody does. */
  take(peer: Peer, frame: PeerFrame & { kind: "manifest" }): string | undefined {
    if (this.#isOver) return undefined;
    const parts = this.#parts.get(peer);
    if (!parts) return "sent a manifest that nobody asked for";
    peer.manifestAt = this.#options.now();
    let known: KnownManifest;
    try {
      const signed = parts.add(frame);
      if (!signed) return undefined;
      known = this.#check(signed);
    } catch (thrown) {
      return `sent ${toPropagitError(thrown).message}`;
    }
    this.end();
    this.#options.found(known);
    return undefined;
  }

  /** It has none, or is gone. */
  forget(peer: Peer): void {
    peer.knowsManifest = false;
    this.#parts.delete(peer);
  }

  /** What an earlier life kept, if it is good. */
  believe(note: string): KnownManifest | undefined {
    try {
      return this.#check(parseSigned(note));
    } catch {
      return undefined;
    }
  }

  /** There is one. */
  end(): void {
    this.#isOver = true;
    this.#parts.clear();
  }

  /** @throws BAD_FRAME when it is not the manifest of this artifact */
  #check(signed: SignedManifest): KnownManifest {
    const { artifact, bytes, hubKey } = this.#options.admission();
    const { digests } = this.#options;
    const manifest = checkManifest({ signed, artifact, hubKey, digests });
    if (manifest.bytes !== bytes)
      throw new PropagitError("BAD_FRAME", `a manifest of ${manifest.bytes} bytes, not ${bytes}`);
    return { signed, manifest };
  }
}

/**
 * One answer at a time: a question is a few bytes, and an answer may be millions. Why nobody asks like that, if
 * nobody does.
 */
export function answerAsk(peer: Peer, known: SignedManifest | undefined): string | undefined {
  if (++peer.asks > asksMax) return "asks for the manifest again and again";
  if (!known) {
    peer.send({ kind: "lack" });
    return undefined;
  }
  if (peer.wasTold && peer.line.bufferedBytes > 0) return undefined;
  peer.wasTold = true;
  for (const part of encodeManifestParts(packSigned(known))) peer.line.send(part);
  return undefined;
}
