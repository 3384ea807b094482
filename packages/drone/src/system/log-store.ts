/**
 * The output of all instances of this drone, those that are gone included: written by the apps themselves
 * (log-output.ts), read by time across all of them.
 */
import { join } from "node:path";
import type { LogQuery } from "@propagit/protocol";
import type { Clock, Log } from "@propagit/runtime";
import { isWanted, type StoredLine } from "../core/log-label.js";
import type { InstanceNote } from "../world.js";
import { findParts, tidyLogs } from "./log-folder.js";
import { LogFollower, type FollowPlace } from "./log-follower.js";
import { LogFile, type LogPart } from "./log-file.js";
import { Grep } from "./log-grep.js";
import { mergeLines } from "./log-merge.js";
import { InstanceOutput } from "./log-output.js";

export interface LogStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The folder `logs`. */
  readonly folder: string;
  /** Of the output of one instance. */
  readonly bytesMax: number;
  /** Of all output together; what runs keeps its own whatever that is. */
  readonly folderBytesMax?: number;
}

export type OnLines = (lines: readonly StoredLine[]) => void | Promise<void>;

const folderBytesMaxDefault = 2 * 2 ** 30;
const tidyEveryMs = 60_000;
const lastDefault = 100;
/** Files that are read for one question, the youngest of them. */
const partsMax = 1_000;

export class LogStore {
  readonly #options: LogStoreOptions;
  readonly #outputs = new Map<string, InstanceOutput>();
  readonly #followers = new Set<LogFollower>();
  #tidiedAt = -Infinity;

  constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  /**
   * The output of an instance: of a run that begins, or of one that an earlier life began.
   *
   * @throws DATA_UNUSABLE
   */
  async open(note: InstanceNote, how: "begin" | "continue"): Promise<InstanceOutput> {
    const { clock, folder, bytesMax } = this.#options;
    const output = await InstanceOutput.open(
      {
        clock,
        folder,
        bytesMax,
        isFollowed: () => this.#followers.size > 0,
        onGrown: (grown) => this.#tell(grown),
      },
      note,
      how,
    );
    this.#outputs.set(output.path, output);
    this.#tidySometimes();
    return output;
  }

  /**
   * Lines that are kept, oldest first; with `follow` then new ones until it is aborted, which is no error.
   * A reader who is slow is waited for.
   *
   * @throws BAD_USAGE when the pattern is none, or takes too long
   */
  async query(query: LogQuery, onLines: OnLines, signal: AbortSignal): Promise<void> {
    const choose = chooser(query);
    const follower = query.follow ? new LogFollower((label) => isWanted(label, query)) : undefined;
    try {
      if (follower) await this.#begin(follower);
      const parts = await this.#parts(query, follower?.places ?? new Map());
      const request = { parts, since: query.since ?? -Infinity, last: lastOf(query) };
      for await (const lines of mergeLines({ ...request, choose: (_, them) => choose(them) })) {
        if (signal.aborted) return;
        await onLines(lines);
      }
      await follower?.follow(async (lines) => {
        const fits = choose(lines);
        const chosen = lines.filter((_, index) => fits[index]);
        if (chosen.length > 0 && !signal.aborted) await onLines(chosen);
      }, signal);
    } finally {
      if (follower) {
        this.#followers.delete(follower);
        await follower.close();
      }
    }
  }

  /** Removes what is beyond the bound. */
  async tidy(): Promise<void> {
    const { folder, folderBytesMax = folderBytesMaxDefault } = this.#options;
    await tidyLogs(folder, folderBytesMax, (path) => this.#outputs.get(path)?.isOpen ?? false);
    for (const [path, { isOpen }] of this.#outputs) if (!isOpen) this.#outputs.delete(path);
  }

  /** From here on what comes is the follower's, and what was there is not. */
  async #begin(follower: LogFollower): Promise<void> {
    this.#followers.add(follower);
    for (const output of this.#outputs.values()) {
      if (!output.isOpen) continue;
      await follower.add(output, await endOf(output));
      output.lookSoon();
    }
  }

  async #parts(
    query: LogQuery,
    places: ReadonlyMap<string, FollowPlace>,
  ): Promise<readonly LogPart[]> {
    if (query.last === 0) return [];
    await Promise.all([...this.#outputs.values()].map((output) => output.settled()));
    const parts = await findParts(this.#options.folder, (label) => isWanted(label, query));
    return [...parts]
      .sort((left, right) => right.mtimeMs - left.mtimeMs)
      .slice(0, partsMax)
      .map((part) => {
        const place = part.suffix === "" ? places.get(part.path) : undefined;
        return place ? { ...part, end: place.position } : part;
      });
  }

  #tell(output: InstanceOutput): void {
    for (const follower of this.#followers) follower.hear(output);
    this.#tidySometimes();
  }

  #tidySometimes(): void {
    const { clock, log } = this.#options;
    if (clock.monotonic() - this.#tidiedAt < tidyEveryMs) return;
    this.#tidiedAt = clock.monotonic();
    this.tidy().catch((thrown: unknown) => {
      log.warn(`old output in ${join(this.#options.folder)} cannot be removed: ${String(thrown)}`);
    });
  }
}

/** Where its last whole line ends. */
async function endOf(output: InstanceOutput): Promise<number> {
  const part = { label: output.label, path: output.path, suffix: "" as const, mtimeMs: 0 };
  const file = await LogFile.open(part);
  try {
    return await file.lastLineStart();
  } finally {
    await file.close();
  }
}

function chooser(query: LogQuery): (lines: readonly StoredLine[]) => readonly boolean[] {
  const grep = query.grep === undefined ? undefined : new Grep(query.grep);
  const { release, since } = query;
  return (lines) => {
    const found = grep?.test(lines.map(({ text }) => text));
    return lines.map(
      (line, index) =>
        (found?.[index] ?? true) &&
        (release === undefined || line.release === release) &&
        (since === undefined || line.at >= since),
    );
  };
}

/** Who asks since when wants all of it. */
function lastOf({ last, since }: LogQuery): number | undefined {
  return last ?? (since === undefined ? lastDefault : undefined);
}
