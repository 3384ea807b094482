/**
 * One artifact whose manifest is known, between its file and its peers: who has what, what is wanted from
 * here, and news of what is new here.
 */
import type { Timer } from "@propagit/runtime";
import { helloOf, listMax, type PeerFrame } from "./core/frames.js";
import { PieceSet } from "./core/piece-set.js";
import { Seeding } from "./core/seeding.js";
import { Availability } from "./core/selection.js";
import { Intake } from "./intake.js";
import type { IntakeOptions } from "./intake-options.js";
import type { Lines } from "./lines.js";
import type { Manifest } from "./manifest.js";
import { Neighbours } from "./neighbours.js";
import { fractionOf, type Peer } from "./peer.js";
import type { SwarmOptions } from "./swarm.js";
import type { Outlet, Uploads } from "./uploads.js";
import type { PieceFile, SwarmWorld } from "./world.js";

/**
 * News of pieces are gathered for so long; the first after a while goes at once. Each is a packet and a wake-up
 * for every peer: at 20 ms a swarm is 3 % faster (simulated, 64 drones), and costs far more CPU.
 */
const newsMs = 100;

export interface ExchangeOptions {
  readonly world: SwarmWorld;
  readonly manifest: Manifest;
  readonly file: PieceFile;
  /** What is here at first. */
  readonly have: PieceSet;
  readonly lines: Lines;
  readonly uploads: Uploads;
  /** The hub would rather choose itself which piece goes to whom. */
  readonly role: SwarmOptions["role"];
  readonly zone: string | undefined;
  readonly intakeCap: IntakeOptions["cap"];
  readonly intakes: () => number;
  /** Somebody got bytes, or asked for some. */
  readonly wanted: (peer: Peer, sentBytes: number) => void;
  readonly received: (peer: Peer, bytes: number) => void;
  /** Every piece is here. */
  readonly complete: () => void;
  readonly failed: (reason: unknown) => void;
}

export class Exchange {
  readonly manifest: Manifest;
  readonly have: PieceSet;
  readonly intake: Intake;
  readonly #options: ExchangeOptions;
  readonly #availability: Availability;
  readonly #outlet: Outlet;
  readonly #neighbours: Neighbours;
  #news: number[] = [];
  #newsTimer: Timer | undefined;
  #newsAt = -Infinity;

  constructor(options: ExchangeOptions) {
    const { file, have, lines, manifest, role, world, zone } = options;
    this.#options = options;
    this.manifest = manifest;
    this.have = have;
    this.#availability = new Availability(have.size);
    const shared = {
      manifest,
      file,
      have,
      availability: this.#availability,
      peers: () => lines,
      failed: options.failed,
      drop: (peer: Peer, reason: string) => lines.drop(peer, reason),
    };
    this.#outlet = {
      ...shared,
      seeding: role === "hub" ? new Seeding(have.size, fractionOf(world.random)) : undefined,
      sentCounts: new Uint16Array(have.size),
      sent: options.wanted,
      servedBytes: 0,
    };
    const now = () => world.clock.monotonic();
    const peers = () => lines;
    // Where there is a relay, it alone asks for pieces on the long line: there is nobody to agree with.
    const agreesWith = role === "relay" ? undefined : zone;
    this.#neighbours = new Neighbours({ pieces: have.size, zone: agreesWith, have, peers, now });
    this.intake = new Intake({
      ...shared,
      neighbours: this.#neighbours,
      digests: world.digests,
      random: world.random,
      now,
      cap: options.intakeCap,
      intakes: options.intakes,
      received: options.received,
      kept: (piece) => this.#kept(piece),
      ban: (peer, reason) => lines.ban(peer, reason),
    });
  }

  start(): void {
    const { lines, uploads } = this.#options;
    uploads.add(this.#outlet);
    for (const peer of lines) {
      const reason = this.#meet(peer);
      if (reason !== undefined) lines.ban(peer, reason);
      // Who has no manifest may ask here for it from now on.
      else if (peer.isGreeted && peer.hello?.pieces === 0) peer.send({ kind: "have", pieces: [] });
    }
  }

  greet(peer: Peer): void {
    const { role, zone } = this.#options;
    peer.greet(helloOf({ have: this.have, chooses: role === "hub", zone }));
  }

  /** Why nobody says such a thing, if nobody does. */
  frame(peer: Peer, frame: PeerFrame): string | undefined {
    const { uploads, wanted } = this.#options;
    switch (frame.kind) {
      case "hello":
        return this.#meet(peer);
      case "have":
        return this.#hasMore(peer, frame.pieces);
      case "request":
        wanted(peer, 0);
        return uploads.request(this.#outlet, peer, frame.pieces);
      case "cancel":
        uploads.cancel(peer, frame.pieces);
        return undefined;
      case "wish":
        wanted(peer, 0);
        uploads.wish(peer, this.#outlet, frame.count);
        return undefined;
      case "reject":
        this.intake.rejected(peer, frame.pieces);
        return undefined;
      case "coming":
        this.#neighbours.heard(peer, frame.pieces);
        return undefined;
      case "nothing":
        this.intake.nothing(peer);
        return undefined;
      case "block":
        return this.intake.block(peer, frame.piece, frame.offset, frame.bytes);
      case "ask":
      case "manifest":
      case "lack":
      case "bye":
        return undefined;
      default:
        return frame satisfies never;
    }
  }

  gone(peer: Peer): void {
    if (peer.has && peer.hello?.chooses !== true) this.#availability.removeAll(peer.has);
    if (peer.has?.isFull === true) this.#outlet.seeding?.leftWhole();
    for (const piece of peer.given) this.#outlet.seeding?.ended(piece, false);
    peer.given.clear();
    this.intake.gone(peer);
  }

  tick(): void {
    if (!this.have.isFull) this.intake.tick();
  }

  end(): void {
    this.#newsTimer?.cancel();
    this.intake.end();
    this.#options.uploads.remove(this.#outlet);
  }

  /** Ends lines to who needs nothing from here and has nothing for here. */
  partFromWhole(): void {
    if (!this.have.isFull) return;
    // Whoever sent the last pieces is told that they came, before the line ends.
    if (this.#news.length > 0) this.#tellNews();
    for (const peer of this.#options.lines)
      if (peer.has?.isFull === true) this.#options.lines.drop(peer, "both have everything");
  }

  /** It said hello, and the manifest is known. */
  #meet(peer: Peer): string | undefined {
    const { hello } = peer;
    if (!hello || peer.has) return undefined;
    const { size } = this.have;
    const has = hello.pieces === 0 ? new PieceSet(size) : PieceSet.fromBytes(size, hello.bits);
    if (!has) return `says that there are ${hello.pieces} pieces, there are ${size}`;
    for (const piece of peer.hadEarly.splice(0)) {
      if (piece >= size) return `says that it has piece ${piece} of ${size}`;
      has.add(piece);
    }
    peer.has = has;
    if (!hello.chooses) this.#availability.addAll(has);
    this.partFromWhole();
    this.intake.pump(peer);
    return undefined;
  }

  #hasMore(peer: Peer, pieces: readonly number[]): string | undefined {
    const { has } = peer;
    if (!has) return peer.hasEarly(pieces);
    for (const piece of pieces) {
      if (piece >= has.size) return `says that it has piece ${piece} of ${has.size}`;
      if (!has.add(piece)) continue;
      if (peer.hello?.chooses !== true) this.#availability.add(piece);
      peer.wants.delete(piece);
      if (peer.given.delete(piece)) this.#outlet.seeding?.ended(piece, true);
    }
    if (has.isFull) this.partFromWhole();
    if (!this.have.isFull) this.intake.pump(peer);
    return undefined;
  }

  #kept(piece: number): void {
    this.#neighbours.kept(piece);
    this.#news.push(piece);
    if (this.have.isFull) this.#options.complete();
    const { clock } = this.#options.world;
    const waitMs = this.#newsAt + newsMs - clock.monotonic();
    if (waitMs <= 0 || this.#news.length >= listMax) this.#tellNews();
    else this.#newsTimer ??= clock.after(waitMs, () => this.#tellNews());
  }

  #tellNews(): void {
    this.#newsTimer?.cancel();
    this.#newsTimer = undefined;
    this.#newsAt = this.#options.world.clock.monotonic();
    const news = this.#news.splice(0);
    for (const peer of this.#options.lines) {
      // Who has it does not ask for it; but who chose it wants to know that it arrived.
      const { has } = peer;
      const pieces =
        peer.hello?.chooses === true || !has ? news : news.filter((piece) => !has.has(piece));
      if (pieces.length > 0 && peer.isGreeted) peer.send({ kind: "have", pieces });
    }
  }
}
