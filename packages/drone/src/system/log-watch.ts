/**
 * Tells when a file grows, at no cost while it does not:
 *
 *     armed (inotify) ── grown ──> look ── rest ──> look … until it has not grown ──> armed
 *
 * The first growth after a silence is seen at once, and soon after whether it begins a flood; then there is
 * one look in each rest, however much is written. Where the kernel has no more watches to give, it is looked at
 * now and then.
 */
import { watch, type FSWatcher } from "node:fs";

/** While somebody follows, a line is seen a quarter of a second after it was written. */
const restFollowedMs = 250;
const restMs = 1_000;
/** Of a flood, so that its file does not go far over its bound. */
const restFloodMs = 20;
const restBlindMs = 2_000;

/** What came since the last look. */
export type Growth = "nothing" | "some" | "flood";

export interface GrowthEvents {
  readonly isFollowed: () => boolean;
  /** What came is noted; gives how much it was. */
  readonly look: () => Promise<Growth>;
}

export class GrowthWatch {
  readonly #path: string;
  readonly #events: GrowthEvents;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The last look saw some growth, but no flood. */
  #isKnownCalm = false;

  constructor(path: string, events: GrowthEvents) {
    this.#path = path;
    this.#events = events;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm();
    clearTimeout(this.#timer);
  }

  /** Cuts the rest short that is under way. */
  lookSoon(): void {
    if (this.#timer !== undefined) this.#rest(restFollowedMs);
  }

  #arm(): void {
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => void this.#look());
      this.#watcher.once("error", () => this.#rest(restBlindMs));
    } catch {
      this.#rest(restBlindMs);
    }
  }

  #disarm(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #rest(delayMs: number): void {
    if (this.#stopped) return;
    this.#disarm();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#look();
    }, delayMs).unref();
  }

  #restAfter(grown: "some" | "flood"): void {
    // The little that begins a flood, or comes in the middle of it, is no reason for a long rest.
    const isCalm = grown === "some" && this.#isKnownCalm;
    this.#isKnownCalm = grown === "some";
    if (!isCalm) this.#rest(restFloodMs);
    else this.#rest(this.#events.isFollowed() ? restFollowedMs : restMs);
  }

  async #look(): Promise<void> {
    const wasBlind = this.#watcher === undefined;
    this.#disarm();
    const grown = await this.#events.look().catch(() => "nothing" as const);
    if (this.#stopped) return;
    if (grown !== "nothing") return this.#restAfter(grown);
    if (!wasBlind) return this.#rest(restMs);
    this.#isKnownCalm = false;
    this.#arm();
    // What came between the look and the watch is nobody's event.
    if (this.#watcher !== undefined) await this.#lookOnce();
  }

  async #lookOnce(): Promise<void> {
    const grown = await this.#events.look().catch(() => "nothing" as const);
    if (grown !== "nothing") this.#restAfter(grown);
  }
}
