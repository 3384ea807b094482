/** Removes artifacts that nobody needs from here, and bounds what the others take of the disk. */
import { toPropagitError } from "@propagit/protocol";
import type { Clock, Log, Timer } from "@propagit/runtime";
import type { PieceFiles, Swarm } from "@propagit/swarm";
import { artifactsToDrop, type KeptShare } from "./core/swarm-room.js";
import type { GrantBook } from "./grant-book.js";
import type { CommitName } from "./world.js";

export interface SwarmRoomParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly swarm: Swarm;
  readonly files: PieceFiles;
  readonly book: GrantBook;
  /** How many bytes artifacts may take on this disk. */
  readonly roomBytes: () => Promise<number>;
  /** Somebody here waits for it. */
  readonly isWanted: (artifact: string) => boolean;
}

type KeptArtifact = Awaited<ReturnType<PieceFiles["list"]>>[number];

/** Several ends in a row are one occasion. */
const tidyAfterMs = 2_000;
/** What was busy is looked at again. */
const againMs = 60_000;
/** Whoever wanted something of it so recently may be about to ask for more. */
const recentMs = 30_000;

export class SwarmRoom {
  readonly #parts: SwarmRoomParts;
  /** Artifacts on their way out. */
  readonly #leaving = new Map<string, Promise<void>>();
  #kept: readonly CommitName[] | undefined;
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(parts: SwarmRoomParts) {
    this.#parts = parts;
  }

  /** What the hub keeps here, and what is in use. */
  keep(names: readonly CommitName[]): void {
    this.#kept = names;
    this.tidySoon();
  }

  tidySoon(): void {
    this.#tidyIn(tidyAfterMs);
  }

  /** Nothing is left of an artifact. @throws DATA_UNUSABLE */
  async drop(artifact: string): Promise<void> {
    await this.left(artifact);
    const leaving = this.#remove(artifact);
    this.#leaving.set(artifact, leaving);
    try {
      await leaving;
    } finally {
      this.#leaving.delete(artifact);
    }
  }

  /** Resolves when an artifact is not on its way out, so that it can begin anew. */
  async left(artifact: string): Promise<void> {
    await this.#leaving.get(artifact)?.catch(() => undefined);
  }

  async #remove(artifact: string): Promise<void> {
    const { swarm, files, book } = this.#parts;
    await book.forget(artifact);
    await swarm.share(artifact)?.end("forget");
    await files.remove(artifact);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #tidyIn(delayMs: number): void {
    const { clock } = this.#parts;
    const dueAt = clock.monotonic() + delayMs;
    if (this.#isStopped || dueAt >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = clock.after(delayMs, () => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      void this.#tidy();
    });
  }

  async #tidy(): Promise<void> {
    const { files, log, roomBytes } = this.#parts;
    try {
      const shares: KeptShare[] = [];
      for (const kept of await files.list()) shares.push(await this.#look(kept));
      const roomed = { kept: this.#kept, roomBytes: await roomBytes() };
      const dropped = artifactsToDrop(shares, roomed);
      for (const artifact of dropped) {
        // Asked again: somebody may have come while others were removed.
        if (!this.#isBusy(artifact)) await this.drop(artifact);
      }
      if (shares.some(({ isBusy }) => isBusy)) this.#tidyIn(againMs);
    } catch (thrown) {
      log.warn(`artifacts were not tidied up: ${toPropagitError(thrown).message}`);
    }
  }

  async #look({ artifact, bytes, usedAt }: KeptArtifact): Promise<KeptShare> {
    const grant = await this.#parts.book.of(artifact);
    const { clock } = this.#parts;
    const unusedMs = this.#unusedMs(artifact);
    const lastAt = Math.max(usedAt, clock.now() - unusedMs);
    return { artifact, bytes, usedAt: lastAt, isBusy: this.#isBusy(artifact), grant };
  }

  #isBusy(artifact: string): boolean {
    const { swarm, isWanted } = this.#parts;
    const share = swarm.share(artifact);
    const state = share?.report.state;
    if (isWanted(artifact) || state === "taking" || state === "whole") return true;
    return (share?.lineCount ?? 0) > 0 || this.#unusedMs(artifact) < recentMs;
  }

  /** Since somebody last wanted something of it in this life. */
  #unusedMs(artifact: string): number {
    const wantedAt = this.#parts.swarm.share(artifact)?.wantedAt ?? 0;
    return wantedAt === 0 ? Number.POSITIVE_INFINITY : this.#parts.clock.monotonic() - wantedAt;
  }
}
