/**
 * The lines of one artifact: one to each peer, none to who was found to be bad, ended when they fall silent.
 * What comes on them goes to `frame`; a reason that comes back from there ends the line for good.
 */
import type { Log } from "@propagit/runtime";
import { blockBytesMax, type PeerFrame } from "./core/frames.js";
import { manifestCharsMax } from "./manifest.js";
import { Peer, isBetterLine } from "./peer.js";
import { reportListMax } from "./share-report.js";
import type { PeerLine } from "./world.js";

/** Lines that one artifact may have here; the tracker introduces far fewer. */
const linesMax = 64;
/** A line says at least so often that it is still there, and is ended after three times that. */
const keepAliveMs = 30_000;
/**
 * What may wait for a peer that does not read: a manifest of the greatest size, a block, and short frames. He can
 * cause many of those, as each refusal is one.
 */
const backlogBytesMax = manifestCharsMax + 2 * blockBytesMax;

export interface LinesOptions {
  readonly ownName: () => string;
  readonly now: () => number;
  readonly log: Log;
  /** A line begins: say hello. */
  readonly opened: (peer: Peer) => void;
  /** Why nobody says such a thing, if nobody does. */
  readonly frame: (peer: Peer, frame: PeerFrame) => string | undefined;
  /** It is no longer among the peers. */
  readonly closed: (peer: Peer) => void;
}

export class Lines implements Iterable<Peer> {
  readonly #options: LinesOptions;
  readonly #peers = new Set<Peer>();
  readonly #banned = new Map<string, string>();
  #aliveAt: number;
  #ended = false;

  constructor(options: LinesOptions) {
    this.#options = options;
    this.#aliveAt = options.now();
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#peers[Symbol.iterator]();
  }

  get size(): number {
    return this.#peers.size;
  }

  get banned(): { peer: string; reason: string }[] {
    return [...this.#banned].map(([peer, reason]) => ({ peer, reason }));
  }

  isBanned(name: string): boolean {
    return this.#banned.has(name);
  }

  isConnected(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  add(line: PeerLine, name: string, dialledHere: boolean): void {
    const refusal = this.#whyNot(name, dialledHere);
    if (refusal !== undefined) {
      line.close();
      return;
    }
    const peer = new Peer({ line, name, dialledHere, now: this.#options.now() });
    this.#peers.add(peer);
    line.listen({
      data: (bytes) => this.#data(peer, bytes),
      expectedBytes: () => (peer.isGone ? 0 : peer.parser.expectedBytes),
      drained: () => peer.hasDrained(),
      closed: () => this.#remove(peer),
    });
    this.#options.opened(peer);
  }

  /** Ends a line with a word; it may come back. */
  drop(peer: Peer, reason: string): void {
    if (peer.isGone) return;
    peer.send({ kind: "bye", reason });
    peer.line.close();
    this.#remove(peer);
  }

  /** Ends a line for good: nobody of that name is believed again. */
  ban(peer: Peer, reason: string): void {
    if (this.#banned.size < reportListMax) this.#banned.set(peer.name, reason.slice(0, 500));
    this.#options.log.warn(`the peer ${peer.name} is not believed any more: it ${reason}`);
    this.drop(peer, reason);
  }

  tick(): void {
    const now = this.#options.now();
    for (const peer of this.#peers)
      if (now - peer.heardAt > 3 * keepAliveMs) this.drop(peer, "was silent for too long");
    if (now - this.#aliveAt < keepAliveMs) return;
    this.#aliveAt = now;
    for (const peer of this.#peers) peer.send({ kind: "have", pieces: [] });
  }

  end(reason: string): void {
    this.#ended = true;
    for (const peer of this.#peers) this.drop(peer, reason);
  }

  #find(name: string): Peer | undefined {
    for (const peer of this.#peers) if (peer.name === name) return peer;
    return undefined;
  }

  #whyNot(name: string, dialledHere: boolean): string | undefined {
    if (this.#ended) return "it ended";
    if (this.isBanned(name)) return "it is banned";
    const other = this.#find(name);
    if (!other) return this.#peers.size < linesMax ? undefined : "there are too many lines";
    const own = this.#options.ownName();
    // From the same side a second line means that the first is dead, and only the other side knows it.
    const isBetter =
      other.dialledHere === dialledHere || isBetterLine({ own, other: name, dialledHere });
    if (!isBetter) return "there is a line to it";
    this.drop(other, "another line is better");
    return undefined;
  }

  #data(peer: Peer, bytes: Uint8Array): void {
    if (peer.isGone) return;
    peer.heardAt = this.#options.now();
    const broken = peer.parser.push(bytes, (frame) => {
      if (peer.isGone) return;
      const reason = this.#options.frame(peer, frame);
      if (reason !== undefined) this.ban(peer, reason);
    });
    if (peer.isGone) return;
    if (broken !== undefined) this.ban(peer, `sent ${broken}`);
    else if (peer.line.bufferedBytes > backlogBytesMax)
      this.drop(peer, "asks without reading the answers");
  }

  #remove(peer: Peer): void {
    if (!this.#peers.delete(peer)) return;
    peer.isGone = true;
    peer.hasDrained();
    this.#options.closed(peer);
  }
}
