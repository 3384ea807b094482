/**
 * Carries tasks out in the engine's own process: each by its command, on this machine or on a host behind ssh.
 *
 * What was under way when such a process died ended with it or goes on alone; nobody can know. So a task is done
 * again then, as tasks may be, and one that may run only `once` is told as unknown.
 */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import {
  HostLostMidway,
  type CommandContext,
  type CommandEnd,
  type Commands,
  type Host,
  type Means,
  type ProjectCommands,
} from "./command.js";
import { argsOf } from "./core/task-args.js";
import type { CodePlace, GateProbe, Task, TaskPlace } from "./plan.js";
import type { Executor, GateView, Prober, TaskCall, TaskEnd, TaskOrder } from "./world.js";

export interface HostExecutorOptions {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly means: Means;
  /** For commands that are not among those. */
  readonly project?: ProjectCommands;
  /** @throws when there is no way there */
  readonly hostFor: (where: TaskPlace) => Host;
}

export class HostExecutor implements Executor, Prober {
  readonly #options: HostExecutorOptions;
  readonly #underWay = new Map<AbortController, Promise<unknown>>();

  constructor(options: HostExecutorOptions) {
    this.#options = options;
  }

  async run({ task, code, key }: TaskOrder, { signal, onOutput }: TaskCall): Promise<TaskEnd> {
    const watched = watchedHost(this.#options.hostFor(task.where));
    const context = { host: watched.host, key, signal, say: onOutput };
    try {
      const { outcome, note } = await this.#carryOut(task, code, context);
      return note === undefined ? { outcome } : { outcome, reason: note };
    } catch (thrown) {
      const { code: why, message } = toPropagitError(thrown);
      if (task.once && why === "HOST_LOST" && watched.mayHaveActed()) {
        return { outcome: "unknown", reason: message };
      }
      throw thrown;
    }
  }

  recall(): Promise<"unknown"> {
    return Promise.resolve("unknown");
  }

  async look(gate: GateProbe, signal: AbortSignal, code?: CodePlace): Promise<GateView> {
    switch (gate.kind) {
      case "http":
        return this.#lookAtUrl(gate, signal);
      case "command":
        return this.#lookByCommand(gate, signal, code);
      case "health":
      case "canary":
      case "errors":
        return { state: "refused", why: `only a hub knows the ${gate.kind} of ${gate.repo}` };
      default:
        return gate satisfies never;
    }
  }

  /** Ends what is under way, and waits until it has ended; whoever asked for it hears that it failed. */
  async end(): Promise<void> {
    const all = [...this.#underWay];
    for (const [abort] of all) abort.abort();
    await Promise.allSettled(all.map(([, work]) => work));
  }

  async #carryOut(
    task: Task,
    code: CodePlace | undefined,
    { signal, ...context }: Pick<CommandContext, "host" | "key" | "signal" | "say">,
  ): Promise<CommandEnd> {
    const { clock, means } = this.#options;
    const begin = this.#beginning(task, code);
    const abort = new AbortController();
    const signals = AbortSignal.any([signal, abort.signal]);
    const work = begin({ ...context, signal: signals, clock, means });
    this.#underWay.set(abort, work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(abort);
    }
  }

  /** Its arguments are checked before anything is done. */
  #beginning(
    { command: name, args }: Task,
    code: CodePlace | undefined,
  ): (context: CommandContext) => Promise<CommandEnd> {
    const { commands, project } = this.#options;
    const known = commands.get(name);
    if (!known && code && project)
      return (context) => project.run({ code, command: name, args }, context);
    const command = known ?? missing(name);
    const checked = argsOf(command, args);
    return (context) => command.run(checked, context);
  }

  async #lookAtUrl(
    { url, status }: Extract<GateProbe, { kind: "http" }>,
    signal: AbortSignal,
  ): Promise<GateView> {
    const here = this.#options.hostFor({ kind: "engine" });
    const answer = await here.request({ url, timeoutMs: requestMsMax, signal });
    const isOpen = status.includes(answer.status);
    return { state: isOpen ? "open" : "shut", why: `${url} answered ${answer.status}` };
  }

  /** By the exit code of the last program that it ran; of one that runs none, whether it failed. */
  async #lookByCommand(
    { task, exit }: Extract<GateProbe, { kind: "command" }>,
    signal: AbortSignal,
    place: CodePlace | undefined,
  ): Promise<GateView> {
    const watched = watchedHost(this.#options.hostFor(task.where));
    const context = { host: watched.host, key: `gate/${task.id}`, signal, say: () => undefined };
    const failure = await this.#carryOut(task, place, context).then(
      () => undefined,
      (thrown: unknown) => toPropagitError(thrown),
    );
    if (failure && failure.code !== "TASK_FAILED") throw failure;
    const code = watched.code() ?? (failure ? 1 : 0);
    const said = failure ? `: ${failure.message}` : "";
    const why = `${task.command} ended with ${code}${said}`;
    return { state: code === exit ? "open" : "shut", why };
  }
}

const requestMsMax = 30_000;

function missing(name: string): never {
  throw new PropagitError("BAD_PLAN", `there is no command ${name} any more`, {
    hint: "it was the project's own when the plan was made: see its propagit.config",
  });
}

interface WatchedHost {
  readonly host: Host;
  /** How the last program ended there. */
  code(): number | undefined;
  /** Something was done there, or was when the connection broke. */
  mayHaveActed(): boolean;
}

function watchedHost(host: Host): WatchedHost {
  let code: number | undefined;
  let mayHaveActed = false;
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const done = await work;
      mayHaveActed = true;
      return done;
    } catch (thrown) {
      mayHaveActed ||= thrown instanceof HostLostMidway;
      throw thrown;
    }
  };
  return {
    host: {
      ...host,
      execute: async (words, options) => {
        const ended = await watched(host.execute(words, options));
        ({ code } = ended);
        return ended;
      },
      put: (content, path, options) => watched(host.put(content, path, options)),
      request: (request) => watched(host.request(request)),
      send: (message) => watched(host.send(message)),
    },
    code: () => code,
    mayHaveActed: () => mayHaveActed,
  };
}
