/** What tasks and commands need from outside; made in `system/`. */
import type { Params, Result, RunResult, Telling } from "@propagit/protocol";
import type { ProcessIdentity } from "@propagit/runtime";
import type { Environment } from "./core/environment.js";
import type { TaskRecord } from "./core/task-record.js";
import type { CommitName, GitSource } from "./world.js";

export type TaskParams = Params<"drone.task">;
export type TaskResult = Result<"drone.task">;

export interface TaskWorld {
  readonly store: TaskStore;
  readonly folders: TaskFolders;
  readonly commands: TaskCommands;
  readonly artifacts: Artifacts;
}

/** What is known of tasks across lives of the drone. */
export interface TaskStore {
  /** As they were at the beginning of this life. */
  readonly records: readonly TaskRecord[];
  /** On disk when it resolves; of those that ended the newest are kept. @throws DATA_UNUSABLE */
  write(record: TaskRecord): Promise<void>;
  remove(id: string): Promise<void>;
  /** What a task that ended had said, as far as it is kept. */
  readLog(id: string): Promise<string>;
  writeLog(id: string, text: string): Promise<void>;
}

/** Folders in which tasks may write as they like; nothing else runs there. */
export interface TaskFolders {
  /** Path of the folder of a task. */
  of(repo: string, id: string): string;
  /** Fills it with the files of a commit. @throws a readable reason */
  fill(
    folder: string,
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Gives it the caches that the build before it left. */
  restoreCaches(repo: string, folder: string, caches: readonly string[]): Promise<void>;
  /** Keeps the caches for the next build. */
  saveCaches(repo: string, folder: string, caches: readonly string[]): Promise<void>;
  remove(folder: string): Promise<void>;
  /** Removes all but these. */
  keepOnly(folders: readonly string[]): Promise<void>;
  /** Keeps a commit from being removed until what is returned is called. */
  hold(name: CommitName): () => void;
}

export interface TaskCommand {
  readonly id: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly variables: Environment;
}

export interface TaskEnd {
  /** Undefined when it was killed, or nobody knows. */
  readonly code: number | undefined;
}

/** A task's process, of this life or an earlier one. */
export interface RunningTask {
  readonly identity: ProcessIdentity;
  /** Resolves once nothing of its process group is left and its output was told. */
  readonly ended: Promise<TaskEnd>;
  /** SIGTERM to the whole group, SIGKILL a while after. */
  end(): Promise<void>;
  /** Looks at it no more; it runs on. */
  leave(): void;
}

/** Told of output: its text, and how many bytes were left out before it. */
export type TaskListener = (text: string, leftOutBytes: number) => void;

export interface TaskCommands {
  /** Starts it so that it outlives this drone; output goes to a file. @throws a readable reason */
  start(command: TaskCommand, listener: TaskListener): Promise<RunningTask>;
  /** A process of an earlier life, running or not; its output is told from the beginning. */
  adopt(id: string, identity: ProcessIdentity | undefined, listener: TaskListener): RunningTask;
  /** Removes what is left of its output and exit code. */
  forget(id: string): Promise<void>;
}

export interface ArtifactRequest {
  /** What was built. */
  readonly name: CommitName;
  readonly folder: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly signal: AbortSignal;
}

export interface PushRequest {
  /** What was built. */
  readonly name: CommitName;
  readonly artifact: string;
  /** 16 hex characters that name this build among those of the commit. */
  readonly key: string;
}

export interface Artifacts {
  /** The commit that holds the files of the folder; the same files make the same commit. */
  make(request: ArtifactRequest): Promise<string>;
  push(request: PushRequest, to: GitSource, signal: AbortSignal): Promise<void>;
}

export type RunSignal = Telling<"run.signal">["signal"];

export interface RunCommand {
  readonly command: readonly string[];
  readonly folder: string;
  readonly variables: Environment;
  readonly user: string | undefined;
  readonly terminal: Params<"drone.run">["terminal"] | undefined;
}

export interface RunListener {
  output(stream: "out" | "err", data: Uint8Array): void;
  /** So many more bytes of input were taken. */
  taken(bytes: number): void;
}

export interface RunningCommand {
  readonly pid: number;
  /** Resolves after the last output was told. */
  readonly ended: Promise<Pick<RunResult, "code" | "signal">>;
  write(data: Uint8Array): void;
  endInput(): void;
  resize(columns: number, rows: number): void;
  /** To the foreground, as a terminal would send it. */
  signal(name: RunSignal): void;
  /** No more output is read until `resume`; whoever writes it waits. */
  pause(): void;
  resume(): void;
  /** SIGHUP, then SIGTERM, then SIGKILL to everything it started. */
  end(): Promise<void>;
}

export interface Commands {
  /** @throws COMMAND_FAILED with a readable reason */
  start(command: RunCommand, listener: RunListener): Promise<RunningCommand>;
}
