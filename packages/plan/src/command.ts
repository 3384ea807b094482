/**
 * What a task can do. A command says what it takes, checks it without acting, says what it would do, does it
 * on a host, and knows how to take it back. Ours (`commands/`) and a project's own are made the same way.
 */
import type { Clock } from "@propagit/runtime";
import type { Shape } from "@propagit/shapes";
import type { TaskPlace } from "./plan.js";

/** All that a plan may use, by name. */
export type Commands = ReadonlyMap<string, Command>;

export interface Command<Args = unknown> {
  /** Words with `-` between them: `create-directory`. */
  readonly name: string;
  /** One line for lists. */
  readonly summary: string;
  /**
   * What a task of it may say beside what every task says: made of `object`, with none of `commonKeys`
   * (`core/task-shape.ts`).
   */
  readonly args: Shape<Args>;
  /** What it would do, in words that follow the host's name: `would make the folder /srv/app`. */
  describe(args: Args): string;
  /**
   * Does it; the second time it finds everything done and says `unchanged`. What it throws is its failure,
   * with the reason a user can act upon.
   */
  run(args: Args, context: CommandContext): Promise<CommandEnd>;
  /** Tasks that take back what it did, when that can be said beforehand; where it was done unless they say. */
  undo?(args: Args): readonly TaskDraft[];
  /** Doing it twice is not the same as doing it once: it is never carried out again by itself. */
  readonly once?: boolean;
  readonly timeoutMs?: number;
  /** For its page in the docs, where a test carries it out. */
  readonly example: Readonly<Record<string, unknown>>;
}

export type CommandEnd =
  | { readonly outcome: "done"; readonly note?: string }
  | { readonly outcome: "unchanged"; readonly note?: string };

export interface CommandContext {
  readonly host: Host;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The same for the same attempt, also after a restart. */
  readonly key: string;
  /** A line of its output, without the line's end. */
  readonly say: (line: string) => void;
}

/** A machine on which commands act: this one, or one behind ssh. */
export interface Host {
  readonly name: string;
  /**
   * Runs a program to its end; the words reach it as they are, through no shell. Its own failing is a result.
   *
   * @throws HOST_LOST when it cannot be reached, TIMED_OUT, ABORTED by the signal
   */
  execute(words: readonly string[], options?: ExecuteOptions): Promise<Executed>;
  /**
   * Writes a file, whole or not at all. Folders above it must be there.
   *
   * @throws HOST_LOST, FILES_REFUSED
   */
  put(content: PutContent, path: string, options?: PutOptions): Promise<void>;
  exists(path: string): Promise<boolean>;
}

export interface ExecuteOptions {
  /** As root, by `sudo -n`, which asks for no password. */
  readonly sudo?: boolean;
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly onOutput?: (line: string) => void;
}

export interface Executed {
  /** 128 + number for a signal. */
  readonly code: number;
  /** The last 64 KiB of each. */
  readonly output: string;
  readonly errorOutput: string;
}

export type PutContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** A file of the engine's machine. */
  | { readonly kind: "file"; readonly path: string };

export interface PutOptions {
  /** Such as 0o644. */
  readonly mode?: number;
  readonly sudo?: boolean;
}

/** A task as people and generators write it. */
export type TaskDraft = {
  readonly command: string;
  readonly drone?: string;
  readonly host?: string;
} & Readonly<Record<string, unknown>>;

/** Where a draft is to be carried out. */
export function placeOf({ drone, host }: Pick<TaskDraft, "drone" | "host">): TaskPlace {
  if (drone !== undefined) return { kind: "drone", drone };
  return host === undefined ? { kind: "engine" } : { kind: "host", host };
}
