/**
 * What a task can do. A command says what it takes, checks it without acting, says what it would do, does it
 * on a host, and knows how to take it back. Ours (`commands/`) and a project's own are made the same way.
 */
import { PropagitError } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import type { Shape } from "@propagit/shapes";
import type { CodePlace, TaskPlace } from "./plan.js";

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
  /** It does its thing each time, as saying something does: the second time it is `done` again. */
  readonly actsAgain?: boolean;
  /** Nothing that it does has to be taken back: it says or looks at something. */
  readonly needsNoUndo?: boolean;
  /** What holds where a task does not say it: its failure counts for nothing. Default false. */
  readonly continueOnFail?: boolean;
  readonly timeoutMs?: number;
  /** Only a drone has what it needs: a task of it that names none is refused. */
  readonly onDroneOnly?: boolean;
  /** Files of the machine of the engine that it reads; a hub that is given a plan has none of them. */
  files?(args: Args): readonly string[];
  /** For its page in the docs, where a test carries it out. */
  readonly example: Readonly<Record<string, unknown>>;
}

export type CommandEnd =
  | { readonly outcome: "done"; readonly note?: string }
  | { readonly outcome: "unchanged"; readonly note?: string };

export interface CommandContext {
  readonly host: Host;
  readonly means: Means;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The same for the same attempt, also after a restart. */
  readonly key: string;
  /** A line of its output, without the line's end. */
  readonly say: (line: string) => void;
}

/** What whoever carries plans out gives to commands beside the host. */
export interface Means {
  /** A secret of that name, so that it is in no plan: at the hub a setting, in front of a user his environment. */
  secret(name: string): Promise<string | undefined>;
  /**
   * A file of the engine's machine. @throws TASK_FAILED when it is not there or longer than `bytesMax`
   */
  readFile(path: string, bytesMax: number): Promise<Uint8Array>;
  /** Ours, between visitors and instances; absent where no hub is. */
  readonly balancer?: Balancer;
  /** What was pushed to the hub; absent where no drone is. */
  readonly commits?: CommitMeans;
  /** Folders that `propagit files push` fills; absent where no drone is. */
  readonly files?: FilesMeans;
}

/** Files that are no repository, as they are put on a drone. */
export interface FilesMeans {
  /**
   * Makes a folder hold exactly what was pushed; `unchanged` when it did.
   *
   * @throws FILES_REFUSED with nothing touched
   */
  put(wanted: WantedFiles): Promise<CommandEnd>;
}

export interface WantedFiles {
  /** Of the hub's repository of files, in full. */
  readonly commit: string;
  readonly path: string;
  readonly replace: boolean;
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Commits of a drone's own, which it fetches from the hub and its neighbours. */
export interface CommitMeans {
  /**
   * Has the files of a commit here, for whatever starts later; `unchanged` when they were.
   *
   * @throws as git or the hub say
   */
  distribute(commit: WantedCommit): Promise<CommandEnd>;
  /**
   * Makes a folder with exactly the files of a commit, whole or not at all; `unchanged` when it is one already.
   *
   * @param path absolute
   * @throws FILES_REFUSED for a place that is nobody's to take; TASK_REFUSED when something else is there
   */
  checkOut(commit: WantedCommit, path: string): Promise<CommandEnd>;
}

export interface WantedCommit {
  readonly repo: string;
  /** In full. */
  readonly commit: string;
  readonly signal: AbortSignal;
}

/** Takes what runs on a machine out of the way of visitors, and puts it back. */
export interface Balancer {
  /** Resolves when nothing new is sent there and nothing is under way. @throws TIMED_OUT */
  drain(part: DrainPart): Promise<CommandEnd>;
  /** Resolves when visitors are sent there again. @throws TIMED_OUT */
  undrain(part: DrainPart): Promise<CommandEnd>;
}

export interface DrainPart {
  /** The machine, by the name of the task's host or drone. */
  readonly machine: string;
  /** Absent: of all repositories. */
  readonly repo?: string;
  readonly environment?: string;
  readonly service?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The connection broke while something ran at a host: nobody knows how that ended, or whether it did. */
export class HostLostMidway extends PropagitError {
  constructor(message: string) {
    super("HOST_LOST", message);
  }
}

/** A machine on which commands act: this one, or one behind ssh. */
export interface Host {
  readonly name: string;
  /**
   * Runs a program to its end; the words reach it as they are, through no shell. Its own failing is a result.
   *
   * @throws HOST_LOST when it cannot be reached, as `HostLostMidway` when it had begun; HOST_DENIED; TASK_FAILED when
   *   the signal ended it
   */
  execute(words: readonly string[], options?: ExecuteOptions): Promise<Executed>;
  /**
   * Writes a file, whole or not at all. Folders above it must be there; `unchanged` when it was so already.
   *
   * @param path absolute
   * @throws HOST_LOST, HOST_DENIED, TASK_FAILED, TASK_REFUSED when something else is in its place
   */
  put(content: PutContent, path: string, options?: PutOptions): Promise<CommandEnd["outcome"]>;
  /** Links that lead nowhere exist, too. */
  exists(path: string): Promise<boolean>;
  /**
   * Asks over HTTP, from that machine; redirects are not followed. Any answer is a result.
   *
   * @throws TASK_FAILED when there is none; HOST_LOST, HOST_DENIED
   */
  request(request: HostRequest): Promise<HostAnswer>;
  /** Gives bytes to whoever listens, from that machine. @throws TASK_FAILED, HOST_LOST, HOST_DENIED */
  send(message: HostMessage): Promise<void>;
}

export interface HostRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HostAnswer {
  readonly status: number;
  /** The first 64 KiB. */
  readonly body: string;
}

export interface HostMessage {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  readonly text: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
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
  /** Such as 0o644. Default: as the file had it; of a new one, what the host gives new files. */
  readonly mode?: number;
  readonly sudo?: boolean;
  readonly signal?: AbortSignal;
}

/** Carries out commands of a project's own, which are in a commit and never in this process. */
export interface ProjectCommands {
  /** @throws BAD_CONFIG, BAD_PLAN, TASK_FAILED; and what the command throws */
  run(task: ProjectTask, context: CommandContext): Promise<CommandEnd>;
}

export interface ProjectTask {
  readonly code: CodePlace;
  readonly command: string;
  /** As they are written in the plan. */
  readonly args: Readonly<Record<string, unknown>>;
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
