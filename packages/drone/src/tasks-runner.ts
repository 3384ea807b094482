/**
 * Runs one task to its end, in this life and after the next start of the drone; see core/task-record.ts for
 * how far one can be. Callers come and go meanwhile: they are told what it says, and its result.
 */
import { PropagitError, toPropagitError, type Task } from "@propagit/protocol";
import { aborted, backoffMs, sleep, type Backoff, type Timer } from "@propagit/runtime";
import { TaskOutput, type TaskLine } from "./core/task-output.js";
import type { TaskRecord, TaskStage } from "./core/task-record.js";
import type { DroneContext } from "./drone-part.js";
import type { RunningTask, TaskEnd, TaskResult, TaskWorld } from "./task-world.js";
import type { CommitName } from "./world.js";

/** The hub may be away, or restart: about ten minutes together, then the task has failed. */
const attemptsMax = 25;
const retryBackoff: Backoff = { firstMs: 500, maxMs: 30_000 };
/** Of a task without a bound of its own: nobody waits longer. */
const timeoutMsDefault = 7 * 86_400_000;

export interface TaskRunnerContext {
  readonly drone: DroneContext;
  readonly tasks: TaskWorld;
  /** Does something when it is its turn among all tasks. */
  readonly turn: <T>(record: TaskRecord, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
}

/** `undefined`: this life of the drone ends, the task goes on. */
type Outcome = Omit<TaskResult, "lastLines" | "tookMs"> | undefined;

export class TaskRunner {
  readonly listeners = new Set<(line: TaskLine) => void>();
  readonly #context: TaskRunnerContext;
  readonly #output = new TaskOutput();
  readonly #stop = new AbortController();
  #record: TaskRecord;
  #running: RunningTask | undefined;
  /** Why it is ended before its time; the first reason counts. */
  #reason: string | undefined;
  #isLeaving = false;

  constructor(context: TaskRunnerContext, record: TaskRecord) {
    this.#context = context;
    this.#record = record;
  }

  get record(): TaskRecord {
    return this.#record;
  }

  /** Its folder; nobody else's. */
  get folder(): string {
    const { repo, id } = this.#record.params;
    return this.#context.tasks.folders.of(repo, id);
  }

  /** Aborted when it is cancelled, or this life of the drone ends. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Commits that it needs. */
  get commits(): readonly CommitName[] {
    const { repo, commit, artifact } = this.#record.params;
    return [commit, artifact].map((it) => ({ repo, commit: it }));
  }

  kept(): readonly TaskLine[] {
    return this.#output.kept();
  }

  /** Ends it; it has failed for this reason. */
  cancel(reason: string): void {
    this.#reason ??= reason;
    this.#stop.abort();
    void this.#running?.end();
  }

  /** Follows it no more: its command runs on, and the next life goes on with it. */
  leave(): void {
    this.#isLeaving = true;
    this.#stop.abort();
    this.#running?.leave();
  }

  /** Resolves with undefined when it was left before its end. */
  async run(): Promise<TaskResult | undefined> {
    const { turn } = this.#context;
    const releases = this.commits.map((name) => this.#context.tasks.folders.hold(name));
    try {
      const outcome = await turn(this.#record, this.signal, () => this.#perform()).catch(
        (thrown: unknown) => this.#failed(thrown),
      );
      if (outcome === undefined || this.#isLeaving) return undefined;
      return await this.#end(outcome);
    } finally {
      for (const release of releases) release();
    }
  }

  async #perform(): Promise<Outcome> {
    const { stage } = this.#record;
    if (stage.kind !== "finishing") {
      const end = stage.kind === "running" ? await this.#adopt(stage) : await this.#begin();
      if (this.#isLeaving) return undefined;
      const failure = this.#failureOf(end, stage.kind === "running");
      if (failure) return failure;
      await this.#write({ kind: "finishing", startedAt: this.#startedAt() });
    }
    return this.#record.params.kind === "build" ? this.#finishBuild() : { outcome: "done" };
  }

  /** Makes the folder and runs the command in it; until the command starts all may be done again. */
  async #begin(): Promise<TaskEnd> {
    const { folders } = this.#context.tasks;
    const { kind, repo, commit, artifact, deployment } = this.#record.params;
    const { specified, task } = await this.#retry(async () => {
      const known = await this.#context.drone.specified(deployment);
      return { specified: known, task: known[kind] };
    });
    if (!task)
      throw new PropagitError("NO_SERVICE", `deployment ${deployment} has no ${kind} command`);
    // A build starts from what was pushed, what comes after it from what was built.
    const name = { repo, commit: kind === "build" ? commit : artifact };
    await this.#retry(() => folders.fill(this.folder, name, () => this.#source(), this.signal));
    await folders.restoreCaches(repo, this.folder, this.#record.rules.cache);
    this.signal.throwIfAborted();
    await this.#write({ kind: "running", startedAt: this.#now() });
    const variables = this.#environment(task, specified.config);
    return this.#start(task, variables);
  }

  async #start(task: Task, variables: Readonly<Record<string, string>>): Promise<TaskEnd> {
    const { id } = this.#record.params;
    const request = { id, command: task.command, folder: this.folder, variables };
    const running = await this.#context.tasks.commands.start(request, this.#listener());
    const { identity } = running;
    this.#running = running;
    await this.#write({ kind: "running", startedAt: this.#startedAt(), identity });
    return this.#follow(running);
  }

  #adopt({ identity }: Extract<TaskStage, { kind: "running" }>): Promise<TaskEnd> {
    const { id } = this.#record.params;
    this.#running = this.#context.tasks.commands.adopt(id, identity, this.#listener());
    return this.#follow(this.#running);
  }

  async #follow(running: RunningTask): Promise<TaskEnd> {
    if (this.#isLeaving) running.leave();
    else if (this.signal.aborted) void running.end();
    const timer = this.#startTimer();
    const left = aborted(this.signal).then(() =>
      // Of one that is cancelled the end is waited for.
      this.#isLeaving ? { code: undefined } : running.ended,
    );
    try {
      return await Promise.race([running.ended, left]);
    } finally {
      timer.cancel();
      if (!this.#isLeaving) this.#tell(this.#output.end(this.#now()));
    }
  }

  #startTimer(): Timer {
    const timeoutMs = this.#record.rules.timeoutMs || timeoutMsDefault;
    const leftMs = Math.max(0, this.#startedAt() + timeoutMs - this.#now());
    // A clock that was set does not give it more time than it may have.
    return this.#context.drone.world.clock.after(Math.min(leftMs, timeoutMs), () => {
      this.#reason ??= `took longer than ${spanOf(timeoutMs)} and was ended`;
      void this.#running?.end();
    });
  }

  #failureOf({ code }: TaskEnd, isAdopted: boolean): Outcome {
    const { kind } = this.#record.params;
    if (this.#reason !== undefined) {
      return { outcome: "failed", reason: `the ${kind} command ${this.#reason}` };
    }
    if (code === 0) return undefined;
    if (code !== undefined) {
      return { outcome: "failed", reason: `the ${kind} command exited with code ${code}` };
    }
    if (!isAdopted) return { outcome: "failed", reason: `the ${kind} command was killed` };
    const why = "the drone or its machine went down, and nobody saw its end";
    return { outcome: "interrupted", reason: `the ${kind} command was interrupted: ${why}` };
  }

  async #finishBuild(): Promise<Outcome> {
    const { artifacts, folders } = this.#context.tasks;
    const { params, rules } = this.#record;
    const name = { repo: params.repo, commit: params.commit };
    const artifact = this.#artifact() ?? (await this.#makeArtifact(name));
    // Caches go when the artifact is made: what is moved away would be missing in it.
    await folders.saveCaches(params.repo, this.folder, rules.cache);
    const key = this.#context.drone.world.crypto.mac("build key", params.id).slice(0, 16);
    await this.#retry(async () => {
      await artifacts.push({ name, artifact, key }, await this.#source(), this.signal);
    });
    return { outcome: "done", artifact };
  }

  async #makeArtifact(name: CommitName): Promise<string> {
    const { include, exclude } = this.#record.rules;
    const request = { name, folder: this.folder, include, exclude, signal: this.signal };
    const artifact = await this.#context.tasks.artifacts.make(request);
    await this.#write({ kind: "finishing", startedAt: this.#startedAt(), artifact });
    return artifact;
  }

  #artifact(): string | undefined {
    const { stage } = this.#record;
    return stage.kind === "finishing" ? stage.artifact : undefined;
  }

  #failed(thrown: unknown): Outcome {
    if (this.#isLeaving) return undefined;
    const { kind } = this.#record.params;
    const reason = this.#reason ?? toPropagitError(thrown).message;
    return { outcome: "failed", reason: `the ${kind} command ${verb(this.#reason)}${reason}` };
  }

  async #end(outcome: NonNullable<Outcome>): Promise<TaskResult> {
    const { store, commands, folders } = this.#context.tasks;
    const { id, repo } = this.#record.params;
    if (outcome.outcome !== "done" && this.#reason === undefined) {
      // One that ended by itself has written its caches to the end; of one that was killed they go.
      await folders.saveCaches(repo, this.folder, this.#record.rules.cache).catch(() => undefined);
    }
    const endedAt = this.#now();
    const result: TaskResult = {
      ...outcome,
      ...(outcome.reason !== undefined && { reason: outcome.reason.slice(0, 2_000) }),
      lastLines: this.#output.lastLines(),
      tookMs: Math.max(0, endedAt - this.#record.takenAt),
    };
    const log = this.#output.kept().map((line) => JSON.stringify(line));
    await store.writeLog(id, log.join("\n")).catch(() => undefined);
    await this.#write({ kind: "ended", endedAt, result });
    await folders.remove(this.folder).catch(() => undefined);
    await commands.forget(id).catch(() => undefined);
    return result;
  }

  #environment(task: Task, config: Readonly<Record<string, string>>) {
    const { id, kind, repo, commit, deployment, environment, release } = this.#record.params;
    // What programs look at that ask nobody and draw no progress bars; npm is one of them.
    const hints = kind === "release" ? {} : { CI: "true" };
    return this.#context.drone.environment({
      identity: { process: id, service: kind, repo, commit, deployment, environment, release },
      plan: { variables: { ...hints, ...task.env, ...config }, rules: { ports: [] } },
      folder: this.folder,
      ports: {},
      variables: {},
    });
  }

  /** The hub may be away: again and again, as long as that may help. */
  async #retry<T>(action: () => Promise<T>): Promise<T> {
    const { clock, random, log } = this.#context.drone.world;
    for (let attempt = 1; ; attempt++) {
      try {
        this.signal.throwIfAborted();
        return await action();
      } catch (thrown) {
        const error = toPropagitError(thrown);
        if (this.signal.aborted || attempt >= attemptsMax || !mayPass(error)) throw error;
        log.warn(`task ${this.#record.params.id} tries again: ${error.message}`);
        const waited = sleep(clock, backoffMs(retryBackoff, attempt, random.fraction()));
        await Promise.race([waited, aborted(this.signal)]);
      }
    }
  }

  #source() {
    return this.#context.drone.source(this.#record.params.repo);
  }

  #listener() {
    return (text: string, leftOutBytes: number) => {
      this.#tell(this.#output.feed(text, leftOutBytes, this.#now()));
    };
  }

  #tell(lines: readonly TaskLine[]): void {
    for (const line of lines) for (const listener of this.listeners) listener(line);
  }

  #startedAt(): number {
    const { stage } = this.#record;
    return "startedAt" in stage ? stage.startedAt : this.#now();
  }

  async #write(stage: TaskStage): Promise<void> {
    this.#record = { ...this.#record, stage };
    await this.#context.tasks.store.write(this.#record);
  }

  #now(): number {
    return Math.max(0, Math.round(this.#context.drone.world.clock.now()));
  }
}

/** Whether the same may work a moment later: nobody answered, or git broke off. */
function mayPass({ code, message }: PropagitError): boolean {
  if (/not our ref|remote rejected|rejected\]|fatal: bad object/.test(message)) return false;
  return ["UNREACHABLE", "LINK_LOST", "TIMED_OUT", "OVERLOADED", "INTERNAL", "DENIED"].includes(
    code,
  );
}

function verb(reason: string | undefined): string {
  return reason === undefined ? "could not be carried out: " : "";
}

/** `15 min`, `1.5 s`. */
function spanOf(ms: number): string {
  return ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 100) / 10} s`;
}
