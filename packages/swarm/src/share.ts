/**
 * A part in one artifact: how far it is, and what it says of itself.
 *
 *     starting --what is on disk is checked--> taking --all pieces, whole hash--> whole --git took it--> used
 *        |                                       |                                  |                     |
 *        |                                       +-- silence, full disk --> failed <+----- spoiled -------+
 *        +---- an offer: at once -----------------------------------------> whole
 *                          any of them --end--> gone
 */
import {
  PropagitError,
  toPropagitError,
  type ShareReport,
  type SwarmPeer,
} from "@propagit/protocol";
import { encodeManifestParts, helloOf, type PeerFrame } from "./core/frames.js";
import { PieceSet } from "./core/piece-set.js";
import type { TokenBucket } from "./core/token-bucket.js";
import { checkWhole, findPieces } from "./check-file.js";
import { deferred } from "./deferred.js";
import { Dialler } from "./dialler.js";
import { Exchange } from "./exchange.js";
import { isHelpful } from "./intake.js";
import { Lines } from "./lines.js";
import { checkManifest, parseManifest, pieceCountOf, type SignedManifest } from "./manifest.js";
import { ManifestParts, encodeSigned, parseSigned } from "./manifest-parts.js";
import type { Peer } from "./peer.js";
import { Reporter, Totals } from "./share-report.js";
import type { Admission, Offer, Share, SwarmOptions } from "./swarm.js";
import type { Uploads } from "./uploads.js";
import type { PeerLine, PieceFile, SwarmWorld } from "./world.js";

/** Nothing came from anybody for so long: git from the hub is the better way. A guess. */
const silenceMsMax = 60_000;
/** With fewer peers that have what is missing here, others are asked for. */
const helpersMin = 3;
/** After so long without any of the manifest somebody else is asked for it too, and then the same one again. */
const manifestPatience = { othersMs: 500, sameMs: 5_000 } as const;

export interface ShareContext {
  readonly world: SwarmWorld;
  readonly options: SwarmOptions;
  readonly uploads: Uploads;
  readonly intakeCap: TokenBucket | undefined;
  /** Artifacts that are coming in, in this process. */
  readonly intakes: () => number;
}

export class ArtifactShare implements Share {
  readonly artifact: string;
  readonly #context: ShareContext;
  readonly #dialler: Dialler;
  readonly #lines: Lines;
  readonly #reporter: Reporter;
  readonly #totals = new Totals();
  readonly #path = deferred<string>();
  readonly #whole = deferred<void>();
  readonly #parts = new Map<Peer, ManifestParts>();
  readonly #since: number;
  #admission: Admission;
  #admittedAt: number;
  #state: "starting" | ShareReport["state"] = "starting";
  #exchange: Exchange | undefined;
  #signed: SignedManifest | undefined;
  #file: PieceFile | undefined;
  #reason: string | undefined;
  #wantedAt = 0;

  constructor(context: ShareContext, admission: Admission) {
    const { clock, log } = context.world;
    this.artifact = admission.artifact;
    this.#context = context;
    this.#admission = admission;
    this.#since = this.#now();
    this.#admittedAt = this.#since;
    this.#reporter = new Reporter(() => this.report, context.options.changed);
    this.#lines = new Lines({
      ownName: context.options.name,
      now: () => clock.monotonic(),
      log,
      opened: (peer) => this.#greet(peer),
      frame: (peer, frame) => this.#frame(peer, frame),
      closed: (peer) => this.#closed(peer),
    });
    this.#dialler = new Dialler({
      world: context.world,
      admission: () => this.#admission,
      hubNow: () => this.hubNow(),
      ownName: context.options.name,
      isConnected: (name) => this.#lines.isConnected(name),
      isBanned: (name) => this.#lines.isBanned(name),
      lines: () => this.#lines.size,
      dialled: (line, peer) => this.#lines.add(line, peer.name, true),
    });
  }

  get path(): Promise<string> {
    return this.#path.promise;
  }

  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  get wantedAt(): number {
    return this.#wantedAt;
  }

  get lineCount(): number {
    return this.#lines.size;
  }

  /** It has ended, one way or the other; a new one may begin in its place. */
  get isOver(): boolean {
    return this.#state === "failed" || this.#state === "gone";
  }

  get isGone(): boolean {
    return this.#state === "gone";
  }

  /** Pieces are still to come. */
  get isTaking(): boolean {
    return this.#state === "starting" || this.#state === "taking";
  }

  get secret(): string {
    return this.#admission.secret;
  }

  get report(): ShareReport {
    const exchange = this.#exchange;
    const lines = this.#totals.list();
    const { banned } = this.#lines;
    return {
      artifact: this.artifact,
      state: this.#state === "starting" ? "taking" : this.#state,
      pieces: exchange?.have.count ?? 0,
      piecesAll: exchange?.have.size ?? 0,
      receivedBytes: exchange?.intake.receivedBytes ?? 0,
      sentBytes: this.#totals.sentBytes,
      wastedBytes: exchange?.intake.wastedBytes ?? 0,
      receivedBytesPerSecond: Math.round(
        this.isTaking ? (exchange?.intake.bytesPerSecond() ?? 0) : 0,
      ),
      ...(this.#lacksPeers() && { lacksPeers: true }),
      ...(lines.length > 0 && { lines }),
      ...(banned.length > 0 && { banned: [...banned] }),
      ...(this.#reason !== undefined && { reason: this.#reason.slice(0, 2_000) }),
    };
  }

  /** The hub's time now, by what it was when it last gave an admission. */
  hubNow(): number {
    return this.#admission.hubNow + (this.#now() - this.#admittedAt);
  }

  /** Begins with what is on disk. */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (this.isOver) return;
    this.#dialler.introduce(this.#admission.peers);
    for (const peer of this.#lines) this.#greet(peer);
    if (this.#exchange?.have.isFull === true) await this.#finish();
  }

  /** Serves a file that is whole. */
  async startOffer(offer: Offer): Promise<void> {
    const manifest = parseManifest(offer.manifest.text);
    this.#file = await this.#context.world.files.openPath(offer.path, manifest.bytes);
    this.#signed = offer.manifest;
    this.#begin(PieceSet.full(pieceCountOf(manifest)));
    this.#path.resolve(this.#file.path);
    this.#whole.resolve();
    this.#become("whole");
  }

  admit(admission: Admission): void {
    if (admission.expiresAt >= this.#admission.expiresAt) {
      this.#admission = admission;
      this.#admittedAt = this.#now();
    }
    this.introduce(admission.peers);
  }

  introduce(peers: readonly SwarmPeer[]): void {
    if (this.isTaking) this.#dialler.introduce(peers);
  }

  accept(line: PeerLine): void {
    if (this.isOver) line.close();
    else this.#lines.add(line, line.claim.holder, false);
  }

  used(): void {
    if (this.#state === "whole") this.#become("used");
  }

  spoiled(reason: string): void {
    if (this.isOver) return;
    this.#reason = reason;
    this.#shut("failed", "what came is of no use");
  }

  async end(how: "keep" | "forget"): Promise<void> {
    if (this.#state === "gone") return;
    const message = `this one's part in artifact ${this.artifact.slice(0, 12)} was ended`;
    this.#whole.reject(new PropagitError("LINK_LOST", message));
    this.#path.reject(new PropagitError("LINK_LOST", message));
    this.#shut("gone", "it ended here");
    await this.#file?.close();
    this.#file = undefined;
    if (how === "forget") await this.#context.world.files.remove(this.artifact);
  }

  tick(): void {
    if (this.isOver) return;
    const now = this.#now();
    this.#lines.tick();
    this.#exchange?.tick();
    if (this.isTaking) {
      this.#dialler.run();
      if (!this.#signed && this.#state === "taking") this.#askForManifest();
      const heardAt = Math.max(this.#since, this.#exchange?.intake.progressAt ?? 0);
      if (this.#state === "taking" && now - heardAt > silenceMsMax) this.#fail(this.#silence());
    }
    this.#reporter.tick(now);
  }

  async #open(): Promise<void> {
    const { digests, files } = this.#context.world;
    const { artifact, bytes } = this.#admission;
    this.#file = await files.open(artifact, bytes);
    this.#path.resolve(this.#file.path);
    const note = await files.readNote(artifact, "manifest");
    const signed = note === undefined ? undefined : this.#believe(note);
    // Without a manifest no piece was ever kept.
    if (signed) {
      const manifest = parseManifest(signed.text);
      const have = await findPieces(manifest, this.#file, digests);
      if (this.isOver) return;
      this.#signed = signed;
      this.#begin(have);
    }
    this.#become("taking");
  }

  /** The manifest is known: pieces can be exchanged. */
  #begin(have: PieceSet): void {
    const { intakeCap, intakes, options, uploads, world } = this.#context;
    const [file, signed] = [this.#file, this.#signed];
    if (!file || !signed) return;
    this.#exchange = new Exchange({
      world,
      manifest: parseManifest(signed.text),
      file,
      have,
      lines: this.#lines,
      uploads,
      seeds: options.role === "hub",
      zone: options.zone,
      intakeCap,
      intakes,
      wanted: (peer, sentBytes) => {
        this.#wantedAt = this.#now();
        if (sentBytes > 0) this.#totals.sent(peer.name, sentBytes);
      },
      received: (peer, bytes) => this.#totals.received(peer.name, bytes),
      complete: () => void this.#finish(),
      failed: (reason) => this.#fail(reason),
    });
    this.#exchange.start();
  }

  #frame(peer: Peer, frame: PeerFrame): string | undefined {
    switch (frame.kind) {
      case "hello":
        if (peer.hello) return "said hello twice";
        peer.hello = frame;
        peer.knowsManifest = frame.pieces > 0;
        this.#dialler.proved(peer.name);
        if (!this.#signed) this.#askForManifest();
        return this.#exchange?.frame(peer, frame);
      case "ask":
        this.#answerAsk(peer);
        return undefined;
      case "manifest":
        return this.#signed ? undefined : this.#takeManifest(peer, frame);
      case "lack":
        peer.knowsManifest = false;
        this.#parts.delete(peer);
        return undefined;
      case "have":
        if (this.#exchange) return this.#exchange.frame(peer, frame);
        peer.knowsManifest = true;
        if (!this.#signed) this.#askForManifest();
        return peer.hasEarly(frame.pieces);
      case "bye":
        this.#lines.drop(peer, "goodbye");
        return undefined;
      case "request":
      case "cancel":
      case "reject":
      case "block":
      case "wish":
      case "nothing":
        if (!this.#exchange) return `sent a ${frame.kind} before there was a manifest`;
        return this.#exchange.frame(peer, frame);
      default:
        return frame satisfies never;
    }
  }

  #greet(peer: Peer): void {
    if (this.#state === "starting") return;
    if (this.#exchange) {
      this.#exchange.greet(peer);
      return;
    }
    if (peer.isGreeted) return;
    peer.isGreeted = true;
    const { zone } = this.#context.options;
    peer.line.send(helloOf({ have: undefined, chooses: false, zone }));
  }

  #closed(peer: Peer): void {
    this.#parts.delete(peer);
    this.#dialler.lost(peer.name);
    this.#exchange?.gone(peer);
  }

  /** Asks one peer after the other, who may have it. */
  #askForManifest(): void {
    const now = this.#now();
    for (const peer of this.#parts.keys())
      if (now - peer.manifestAt < manifestPatience.othersMs) return;
    for (const peer of this.#lines) {
      if (!peer.knowsManifest || now - peer.manifestAt < manifestPatience.sameMs) continue;
      peer.manifestAt = now;
      // A slow answer to an earlier question still counts: answers come in order.
      if (!this.#parts.has(peer)) this.#parts.set(peer, new ManifestParts());
      peer.send({ kind: "ask" });
      return;
    }
  }

  #answerAsk(peer: Peer): void {
    if (!this.#signed) {
      peer.send({ kind: "lack" });
      return;
    }
    for (const part of encodeManifestParts(encodeSigned(this.#signed))) peer.line.send(part);
  }

  #takeManifest(peer: Peer, frame: PeerFrame & { kind: "manifest" }): string | undefined {
    const parts = this.#parts.get(peer);
    if (!parts) return "sent a manifest that nobody asked for";
    peer.manifestAt = this.#now();
    try {
      const json = parts.add(frame);
      if (json === undefined) return undefined;
      this.#parts.clear();
      this.#signed = this.#check(parseSigned(json));
    } catch (thrown) {
      return `sent ${toPropagitError(thrown).message}`;
    }
    void this.#keepManifest(this.#signed);
    return undefined;
  }

  /** Written before any piece is: whoever finds no manifest need not look for pieces. */
  async #keepManifest(signed: SignedManifest): Promise<void> {
    try {
      await this.#context.world.files.writeNote(this.artifact, "manifest", encodeSigned(signed));
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (!this.isOver) this.#begin(new PieceSet(pieceCountOf(parseManifest(signed.text))));
  }

  /** What an earlier life kept, if it is good. */
  #believe(note: string): SignedManifest | undefined {
    try {
      return this.#check(parseSigned(note));
    } catch {
      return undefined;
    }
  }

  /** @throws BAD_FRAME when it is not the manifest of this artifact */
  #check(signed: SignedManifest): SignedManifest {
    const { bytes, hubKey } = this.#admission;
    const { digests } = this.#context.world;
    const manifest = checkManifest({ signed, artifact: this.artifact, hubKey, digests });
    if (manifest.bytes !== bytes)
      throw new PropagitError("BAD_FRAME", `a manifest of ${manifest.bytes} bytes, not ${bytes}`);
    return signed;
  }

  async #finish(): Promise<void> {
    const [exchange, file] = [this.#exchange, this.#file];
    if (!exchange || !file || this.#state !== "taking") return;
    try {
      await checkWhole(exchange.manifest, file, this.#context.world.digests);
      await file.sync();
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (this.isOver) return;
    this.#whole.resolve();
    this.#become("whole");
    exchange.partFromWhole();
  }

  #silence(): PropagitError {
    const { pieces, piecesAll } = this.report;
    const asked = [...this.#lines].map(({ name }) => name).slice(0, 8);
    const on = asked.length > 0 ? `connected to ${asked.join(", ")}` : "connected to nobody";
    return new PropagitError(
      "TIMED_OUT",
      `nothing of artifact ${this.artifact.slice(0, 12)} came for ${silenceMsMax / 1000} s, with ` +
        `${pieces} of ${piecesAll} pieces here: ${on}, knows ${this.#dialler.describe()}`,
    );
  }

  #lacksPeers(): boolean {
    const have = this.#exchange?.have;
    if (!this.isTaking) return false;
    const now = this.#now();
    let helpers = 0;
    for (const peer of this.#lines) if (!have || isHelpful(peer, have, now)) helpers++;
    return helpers < helpersMin;
  }

  #fail(thrown: unknown): void {
    if (this.isOver) return;
    const error = toPropagitError(thrown);
    this.#reason = error.message;
    this.#context.world.log.warn(`artifact ${this.artifact.slice(0, 12)}: ${error.message}`);
    this.#path.reject(error);
    this.#whole.reject(error);
    this.#shut("failed", "it failed here");
  }

  #shut(state: "failed" | "gone", word: string): void {
    this.#dialler.end();
    this.#exchange?.end();
    this.#lines.end(word);
    this.#become(state);
  }

  #become(state: ShareReport["state"]): void {
    this.#state = state;
    this.#reporter.begins(this.#now());
  }

  #now(): number {
    return this.#context.world.clock.monotonic();
  }
}
