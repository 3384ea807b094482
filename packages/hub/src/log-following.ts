/**
 * Follows the output of drones for one caller, until he has had enough:
 *
 *     gathering --every drone quiet for a moment, or 2 s--> following
 *        \ the last lines of each drone                        \ lines as they come, put in order
 *
 * Drones that come, or come back, are followed from then on; one that is slow or away holds up nothing.
 */
import type { LogLine, LogQuery } from "@propagit/protocol";
import type { World } from "@propagit/runtime";
import { LogMerge } from "./core/log-merge.js";
import type { Fleet, Member } from "./fleet.js";

export interface LogFollowingOptions {
  readonly query: LogQuery;
  /** The drones to follow, as they are now. @throws NO_PLACE, taken for none */
  readonly choose: () => readonly Member[];
  readonly charsMax: number;
  readonly signal: AbortSignal;
}

/** How often it is looked what there is to send; nobody reads faster. */
const tickMs = 100;
/** How long a line waits for older ones of other drones; more than lines take on their way. */
const reorderMs = 300;
/** The last lines are all there when nothing more came for so long… */
const quietMs = 200;
/** …and are no longer waited for then. */
const gatherMsMax = 2_000;
/** How often it is looked for drones that came, or came back. */
const sweepMs = 1_000;
/** A drone that refuses is asked again after that. */
const refusedMs = 10_000;
/** Lines that a drone that was away may have to catch up with. */
const catchUpLines = 10_000;
/** Different lines of one moment that are told from those that come again. */
const notedMax = 10_000;

/** How far one drone's output was taken. */
interface Progress {
  isFollowed: boolean;
  /** Monotonic; not asked again before. */
  retryAt: number;
  /** Of the newest lines: their time, and how often each was said then. */
  last: Moment | undefined;
  /** What comes again, since a drone is asked for all since the time of the last line. */
  again: Moment | undefined;
}

interface Moment {
  readonly at: number;
  readonly counts: Map<string, number>;
}

export class LogFollowing {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #options: LogFollowingOptions;
  readonly #progress = new Map<string, Progress>();
  readonly #startedAt: number;
  /** Of the time before it was asked: only the last of these are shown. */
  readonly #former: LogMerge;
  readonly #lines: LogMerge;
  #heardAt: number;

  constructor(world: World, fleet: Fleet, options: LogFollowingOptions) {
    this.#world = world;
    this.#fleet = fleet;
    this.#options = options;
    this.#startedAt = world.clock.now();
    this.#heardAt = world.clock.monotonic();
    const { query, charsMax } = options;
    this.#former = new LogMerge({ linesMax: query.last ?? 0, charsMax });
    this.#lines = new LogMerge({ linesMax: Number.POSITIVE_INFINITY, charsMax });
  }

  /** Resolves when the signal is aborted; what is not sent by then is dropped. */
  async run(send: (lines: readonly LogLine[]) => Promise<void>): Promise<void> {
    const { signal } = this.#options;
    const { clock } = this.#world;
    const [beganAt, sweeping] = [clock.monotonic(), { at: clock.monotonic() + sweepMs }];
    this.#sweep();
    while (!signal.aborted && !this.#hasGathered(beganAt)) await this.#tick();
    await send(this.#former.takeAll());
    while (!signal.aborted) {
      const now = clock.monotonic();
      if (now >= sweeping.at) {
        this.#sweep();
        sweeping.at = now + sweepMs;
      }
      const lost = this.#lines.takeLost();
      const due = [...this.#former.takeAll(), ...this.#lines.takeArrived(now - reorderMs)];
      await send([...(lost ? [lost] : []), ...due]);
      await this.#tick();
    }
  }

  #hasGathered(beganAt: number): boolean {
    const now = this.#world.clock.monotonic();
    return now - this.#heardAt >= quietMs || now - beganAt >= gatherMsMax;
  }

  /** Begins with the drones that are there and not followed yet. */
  #sweep(): void {
    const now = this.#world.clock.monotonic();
    for (const { identity, name, contact } of this.#chosen()) {
      const progress = this.#progressOf(identity);
      if (contact !== "connected" || progress.isFollowed || progress.retryAt > now) continue;
      void this.#follow(identity, name, progress);
    }
  }

  #chosen(): readonly Member[] {
    try {
      return this.#options.choose();
    } catch {
      // The only drone that fitted is forgotten, or has other labels now; another one may come.
      return [];
    }
  }

  #progressOf(identity: string): Progress {
    const known = this.#progress.get(identity);
    if (known) return known;
    const fresh: Progress = { isFollowed: false, retryAt: 0, last: undefined, again: undefined };
    this.#progress.set(identity, fresh);
    return fresh;
  }

  async #follow(identity: string, name: string, progress: Progress): Promise<void> {
    progress.isFollowed = true;
    progress.again = progress.last && { ...progress.last, counts: new Map(progress.last.counts) };
    const { query, signal } = this.#options;
    // Who was followed before goes on where he was.
    const from = progress.last && { since: progress.last.at, last: catchUpLines };
    try {
      await this.#fleet.call(
        identity,
        "drone.logs",
        { ...query, ...from },
        {
          limitMs: 0,
          signal,
          onPart: (lines) => this.#take(identity, progress, namedLines(lines, name)),
        },
      );
      progress.retryAt = this.#world.clock.monotonic() + sweepMs;
    } catch {
      const isThere = this.#fleet.member(identity)?.contact === "connected";
      progress.retryAt = this.#world.clock.monotonic() + (isThere ? refusedMs : 0);
    }
    progress.isFollowed = false;
  }

  #take(identity: string, progress: Progress, lines: readonly LogLine[]): void {
    const now = this.#world.clock.monotonic();
    this.#heardAt = now;
    const fresh = lines.filter((line) => isNew(progress, line));
    const former = fresh.filter(({ at }) => at < this.#startedAt);
    this.#former.add(identity, former, now);
    this.#lines.add(
      identity,
      fresh.filter(({ at }) => at >= this.#startedAt),
      now,
    );
  }

  #tick(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.#world.clock.after(tickMs, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** Under the name that this hub gave the drone, whatever it calls itself. */
export function namedLines(lines: readonly LogLine[], drone: string): readonly LogLine[] {
  return lines.map((line) => (line.drone === drone ? line : { ...line, drone }));
}

/** Notes a line; false when it was taken before the drone was away. */
function isNew(progress: Progress, { at, process, text }: LogLine): boolean {
  const key = `${process} ${text}`;
  const again = at === progress.again?.at ? (progress.again.counts.get(key) ?? 0) : 0;
  if (again > 0) {
    progress.again?.counts.set(key, again - 1);
    return false;
  }
  if (!progress.last || at > progress.last.at) progress.last = { at, counts: new Map() };
  const { counts } = progress.last;
  const isNoted = at === progress.last.at && (counts.has(key) || counts.size < notedMax);
  if (isNoted) counts.set(key, (counts.get(key) ?? 0) + 1);
  return true;
}
