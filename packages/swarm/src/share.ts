/**
 * A part in one artifact: how far it is, and what it says of itself.
 *
 *     starting --what is on disk is checked--> taking --every piece, on disk----> whole --git took it--> used
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
import { deferred } from "@propagit/runtime";
import { helloOf, type PeerFrame } from "./core/frames.js";
import { patienceMs } from "./core/patience.js";
import { PieceSet } from "./core/piece-set.js";
import type { TokenBucket } from "./core/token-bucket.js";
import { findPieces } from "./check-file.js";
import { Dialler } from "./dialler.js";
import { Exchange } from "./exchange.js";
import { countHelpers } from "./choose.js";
import { Lines } from "./lines.js";
import { parseManifest, pieceBytesFor, pieceCountOf } from "./manifest.js";
import { encodeSigned } from "./manifest-parts.js";
import { answerAsk, ManifestSearch, type KnownManifest } from "./manifest-search.js";
import type { Peer } from "./peer.js";
import { Reporter, reportOf, silenceOf, Totals } from "./share-report.js";
import type { Admission, Offer, Share, SwarmOptions } from "./swarm.js";
import type { Uploads } from "./uploads.js";
import type { PeerLine, PieceFile, SwarmWorld } from "./world.js";

/** With fewer peers that have what is missing here, others are asked for. */
const helpersMin = 3;
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
  readonly #search: ManifestSearch;
  readonly #since: number;
  #admission: Admission;
  #admittedAt: number;
  #state: "starting" | ShareReport["state"] = "starting";
  #exchange: Exchange | undefined;
  #known: KnownManifest | undefined;
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
    this.#search = new ManifestSearch({
      admission: () => this.#admission,
      digests: context.world.digests,
      now: () => clock.monotonic(),
      peers: () => this.#lines,
      found: (known) => {
        this.#known = known;
        void this.#keepManifest(known);
      },
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

  /** A new one may begin in its place. */
  get isOver(): boolean {
    return this.#state === "failed" || this.#state === "gone";
  }

  get isGone(): boolean {
    return this.#state === "gone";
  }

  get isTaking(): boolean {
    return this.#state === "starting" || this.#state === "taking";
  }

  get secret(): string {
    return this.#admission.secret;
  }

  get report(): ShareReport {
    const { have, intake } = this.#exchange ?? {};
    return reportOf({
      artifact: this.artifact,
      state: this.#state === "starting" ? "taking" : this.#state,
      have,
      intake,
      totals: this.#totals,
      lacksPeers: this.#lacksPeers(),
      banned: this.#lines.banned,
      reason: this.#reason,
    });
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
    this.#known = { signed: offer.manifest, manifest };
    this.#begin(PieceSet.full(pieceCountOf(manifest)));
    this.#path.resolve(offer.path);
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
    const ended = new PropagitError("LINK_LOST", message);
    for (const promised of [this.#whole, this.#path]) promised.reject(ended);
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
      this.#search.run();
      this.#checkSilence(now);
    }
    this.#reporter.tick(now);
  }

  async #open(): Promise<void> {
    const { digests, files } = this.#context.world;
    const { artifact, bytes } = this.#admission;
    this.#file = await files.open(artifact, bytes);
    this.#path.resolve(this.#file.path);
    const note = await files.readNote(artifact, "manifest");
    const known = note === undefined ? undefined : this.#search.believe(note);
    // Without a manifest no piece was ever kept.
    if (known) {
      const have = await findPieces(known.manifest, this.#file, digests);
      if (this.isOver) return;
      this.#known = known;
      this.#begin(have);
    }
    this.#become("taking");
  }

  /** The manifest is known: pieces can be exchanged. */
  #begin(have: PieceSet): void {
    const { intakeCap, intakes, options, uploads, world } = this.#context;
    const [file, known] = [this.#file, this.#known];
    if (!file || !known) return;
    this.#search.end();
    this.#exchange = new Exchange({
      world,
      manifest: known.manifest,
      file,
      have,
      lines: this.#lines,
      uploads,
      role: options.role,
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
        this.#search.run();
        return this.#exchange?.frame(peer, frame);
      case "ask":
        return answerAsk(peer, this.#known?.signed);
      case "manifest":
        return this.#search.take(peer, frame);
      case "lack":
        this.#search.forget(peer);
        return undefined;
      case "have":
        if (this.#exchange) return this.#exchange.frame(peer, frame);
        peer.knowsManifest = true;
        this.#search.run();
        return peer.hasEarly(frame.pieces);
      case "coming":
        return this.#exchange?.frame(peer, frame);
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
    const { zone } = this.#context.options;
    if (this.#exchange) this.#exchange.greet(peer);
    else peer.greet(helloOf({ have: undefined, chooses: false, zone }));
  }

  #closed(peer: Peer): void {
    this.#search.forget(peer);
    this.#dialler.lost(peer.name);
    this.#exchange?.gone(peer);
  }

  /** Written before any piece is: whoever finds no manifest need not look for pieces. */
  async #keepManifest({ manifest, signed }: KnownManifest): Promise<void> {
    try {
      await this.#context.world.files.writeNote(this.artifact, "manifest", encodeSigned(signed));
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (!this.isOver) this.#begin(new PieceSet(pieceCountOf(manifest)));
  }

  async #finish(): Promise<void> {
    const [exchange, file] = [this.#exchange, this.#file];
    if (!exchange || !file || this.#state !== "taking") return;
    try {
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

  /** Git from the hub is the better way when nothing comes. */
  #checkSilence(now: number): void {
    if (this.#state !== "taking" || this.#exchange?.have.isFull === true) return;
    const silentMs = now - Math.max(this.#since, this.#exchange?.intake.progressAt ?? 0);
    const pieceBytes = this.#known?.manifest.pieceBytes ?? pieceBytesFor(this.#admission.bytes);
    const isHubBanned = this.#lines.isBanned("hub");
    const helpers = this.#helpers();
    if (silentMs <= patienceMs({ lines: this.#lines.size, helpers, pieceBytes, isHubBanned }))
      return;
    const connected = Array.from(this.#lines, ({ name }) => name);
    this.#fail(silenceOf(this.report, silentMs, connected, this.#dialler.describe()));
  }

  #helpers(): number {
    return countHelpers(this.#lines, this.#exchange?.have, this.#now());
  }

  #lacksPeers(): boolean {
    return this.isTaking && this.#helpers() < helpersMin;
  }

  #fail(thrown: unknown): void {
    if (this.isOver) return;
    const error = toPropagitError(thrown);
    this.#reason = error.message;
    this.#context.world.log.warn(`artifact ${this.artifact.slice(0, 12)}: ${error.message}`);
    for (const promised of [this.#whole, this.#path]) promised.reject(error);
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
