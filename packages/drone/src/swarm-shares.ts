/**
 * The artifacts that a drone takes part in: for itself, for others, and those that an earlier life left.
 * What is known of each lies beside its bytes; what nobody needs from here goes.
 */
import { shortCommit, toPropagitError, type SwarmPeer } from "@propagit/protocol";
import type { Clock, Log, Timer } from "@propagit/runtime";
import type { PieceFiles, Share, Swarm } from "@propagit/swarm";
import { untilAborted } from "./abortable.js";
import type { Hider } from "./core/stored-desire.js";
import { admissionNow, firstOf, withPeers, type KnownGrant } from "./core/swarm-grant.js";
import { GrantBook } from "./grant-book.js";
import { SwarmRoom } from "./swarm-room.js";
import type { CommitName } from "./world.js";

/** Where this drone takes part. */
interface OpenPlace {
  readonly swarm: Swarm;
  readonly files: PieceFiles;
  /** Where others dial this drone. */
  readonly port: number;
  /** Ends all lines and the port. */
  stop(): Promise<void>;
}

export interface SwarmSharesParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Hides secrets by the drone's own key. */
  readonly hider: Hider;
  readonly open: OpenPlace;
  /** How many bytes artifacts may take on this disk. */
  readonly roomBytes: () => Promise<number>;
}

/** An earlier life's artifacts are hashed when what is to run here has had its start. A guess. */
const offerDelayMs = 5_000;

export class SwarmShares {
  readonly #parts: SwarmSharesParts;
  readonly #book: GrantBook;
  readonly #room: SwarmRoom;
  /** How many fetches wait for an artifact at this moment. */
  readonly #wanting = new Map<string, number>();
  /** Artifacts whose part here is about to begin: they have a grant, and no share that could be seen. */
  readonly #beginning = new Set<string>();
  #offering: Timer | undefined;
  #isStopped = false;

  constructor(parts: SwarmSharesParts) {
    const { clock, log, hider, roomBytes } = parts;
    const { swarm, files } = parts.open;
    this.#parts = parts;
    this.#book = new GrantBook({ files, hider, log });
    const isWanted = (artifact: string) =>
      this.#wanting.has(artifact) || this.#beginning.has(artifact);
    this.#room = new SwarmRoom({ clock, log, swarm, files, roomBytes, book: this.#book, isWanted });
  }

  get all(): readonly Share[] {
    return this.#parts.open.swarm.shares;
  }

  /** What leads to a commit without the hub; undefined when nothing here does. */
  async remembered(name: CommitName, have: readonly string[]): Promise<KnownGrant | undefined> {
    return firstOf(await this.#book.all(), name, have);
  }

  /** Takes part, or goes on with the newer grant; what was known of it before stays known. */
  async take(given: Omit<KnownGrant, "isWhole">): Promise<Share> {
    const { artifact } = given.admission;
    this.#beginning.add(artifact);
    try {
      await this.#room.left(artifact);
      const before = await this.#book.of(artifact);
      const isCarried = given.isCarried || (before?.isCarried ?? false);
      const base = given.base ?? before?.base;
      const known = { ...given, base, isCarried, isWhole: before?.isWhole ?? false };
      await this.#book.note(known);
      return this.#begin(known);
    } finally {
      this.#beginning.delete(artifact);
    }
  }

  /** Resolves once all of it is here. Whoever gives up ends it, when nobody else waits for it. */
  async arrival(share: Share, signal: AbortSignal): Promise<void> {
    const { artifact } = share;
    this.#wanting.set(artifact, (this.#wanting.get(artifact) ?? 0) + 1);
    try {
      await untilAborted(share.whole, signal);
      await this.#becameWhole(artifact);
    } catch (thrown) {
      const known = await this.#book.of(artifact);
      // What is on disk stays: the next attempt begins with it.
      if (this.#wanting.get(artifact) === 1 && !known?.isCarried) await share.end("keep");
      throw thrown;
    } finally {
      const left = (this.#wanting.get(artifact) ?? 1) - 1;
      if (left > 0) this.#wanting.set(artifact, left);
      else this.#wanting.delete(artifact);
    }
  }

  /** Takes part for others: nobody here waits for it. */
  async carry(given: Omit<KnownGrant, "isWhole" | "isCarried">): Promise<void> {
    const share = await this.take({ ...given, isCarried: true });
    void this.#serve(given, share, "carried");
  }

  async introduce(artifact: string, peers: readonly SwarmPeer[]): Promise<void> {
    this.#parts.open.swarm.share(artifact)?.introduce(peers);
    const known = await this.#book.of(artifact);
    if (known) await this.#book.note(withPeers(known, peers));
  }

  /** Soon after the first join: others may have what an earlier life left. */
  offerEarlierSoon(): void {
    this.#offering ??= this.#parts.clock.after(offerDelayMs, () => void this.#offerEarlier());
  }

  /** Commits that stay here. */
  keep(names: readonly CommitName[]): void {
    this.#room.keep(names);
  }

  tidySoon(): void {
    this.#room.tidySoon();
  }

  /** Nothing is left of it. */
  async drop(artifact: string): Promise<void> {
    await this.#room.drop(artifact).catch((thrown: unknown) => {
      this.#parts.log.warn(`an artifact was not removed: ${toPropagitError(thrown).message}`);
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#offering?.cancel();
    this.#room.stop();
    await this.#parts.open.stop();
  }

  #begin(known: KnownGrant): Share {
    const { open, clock } = this.#parts;
    return open.swarm.take(admissionNow(known, clock.now()));
  }

  async #becameWhole(artifact: string): Promise<void> {
    const known = await this.#book.of(artifact);
    if (known && !known.isWhole) await this.#book.note({ ...known, isWhole: true });
  }

  /** One after the other: each is hashed before anybody is told of it. */
  async #offerEarlier(): Promise<void> {
    for (const known of await this.#book.all()) {
      const { artifact } = known.admission;
      if (this.#isStopped) return;
      if (!known.isWhole || this.#parts.open.swarm.share(artifact)) continue;
      // Whoever is needed to mend it comes from the hub, which hears that it is not whole any more.
      const alone = { ...known, admission: { ...known.admission, peers: [] } };
      if (!(await this.#serve(known, this.#begin(alone), "offered"))) await this.drop(artifact);
    }
    this.#room.tidySoon();
  }

  /** Whether all of it is here: then it is served, unless somebody here still has to take it in. */
  async #serve(name: CommitName, share: Share, what: "carried" | "offered"): Promise<boolean> {
    try {
      await share.whole;
      await this.#becameWhole(share.artifact);
      if (!this.#wanting.has(share.artifact)) share.used();
      return true;
    } catch (thrown) {
      const title = `${name.repo} ${shortCommit(name.commit)}`;
      const { message } = toPropagitError(thrown);
      if (!this.#isStopped) this.#parts.log.warn(`${title} is not ${what} any more: ${message}`);
      return false;
    }
  }
}
