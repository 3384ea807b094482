/** One attempt at a task of a plan on this machine: its command, its time, its output. */
import {
  PropagitError,
  isRefusal,
  toPropagitError,
  type DroneCommandEnd,
  type Params,
} from "@propagit/protocol";
import {
  argsOf,
  redactor,
  type CommandContext,
  type CommandEnd,
  type CommitMeans,
  type Host,
  type Means,
  type ProjectCommands,
} from "@propagit/plan";
import type { Clock, Timer } from "@propagit/runtime";
import type { CommandWorld } from "./command-world.js";
import { OutputTail } from "./core/output-tail.js";

export type CommandParams = Params<"drone.command">;

/** Output is told no more often than this. */
const tellMs = 250;
/** What Node's timers can wait; a longer one would end at once. */
const timerMsMax = 2 ** 31 - 1;
const reasonChars = 1_000;

export interface CommandRunContext {
  readonly clock: Clock;
  readonly world: CommandWorld;
  /** Of this drone. */
  readonly name: string;
  readonly commits?: CommitMeans;
  readonly project?: ProjectCommands;
  /** By name; nothing of them is in what it says. */
  readonly secrets?: ReadonlyMap<string, string>;
}

export class CommandRun {
  readonly listeners = new Set<(lines: string[]) => void>();
  readonly #context: CommandRunContext;
  readonly #params: CommandParams;
  readonly #abort = new AbortController();
  readonly #tail = new OutputTail();
  #timer: Timer | undefined;
  readonly #redact: (text: string) => string;
  #exit: number | undefined;

  constructor(context: CommandRunContext, params: CommandParams) {
    this.#context = context;
    this.#params = params;
    this.#redact = redactor(context.secrets ?? new Map());
  }

  /** Of what it said so far. */
  get lines(): readonly string[] {
    return this.#tail.lines;
  }

  /** Aborted when it was cancelled, or took too long. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends it; it has failed for the first reason that was given. */
  cancel(why: string): void {
    this.#abort.abort(new PropagitError("TASK_FAILED", why));
  }

  /** Its end; never rejects. */
  async run(): Promise<DroneCommandEnd> {
    const { clock } = this.#context;
    const { timeoutMs } = this.#params;
    const limitMs = Math.min(timeoutMs, timerMsMax);
    const timer = clock.after(limitMs, () => this.cancel(`it took longer than ${limitMs} ms`));
    try {
      const { outcome, note } = await this.#carryOut();
      return this.#end(outcome, note);
    } catch (thrown) {
      const { reason } = this.#abort.signal as { readonly reason: unknown };
      const failure = this.#abort.signal.aborted ? reason : thrown;
      const { code, message } = toPropagitError(failure);
      return { ...this.#end("failed", message), ...(isRefusal(code) && { refused: true }) };
    } finally {
      timer.cancel();
      this.#tell();
    }
  }

  async #carryOut(): Promise<CommandEnd> {
    const { clock, world, name, commits, secrets } = this.#context;
    const { key } = this.#params;
    this.#abort.signal.throwIfAborted();
    const context: CommandContext = {
      host: this.#watched(world.host(name)),
      means: { ...means(name, secrets), ...(commits && { commits }) },
      clock,
      signal: this.#abort.signal,
      key,
      say: (line) => this.#say(line),
    };
    return this.#perform(JSON.parse(this.#params.args) as Record<string, unknown>, context);
  }

  #perform(args: Readonly<Record<string, unknown>>, context: CommandContext): Promise<CommandEnd> {
    const { world, name, project } = this.#context;
    const { command: wanted, code } = this.#params;
    const command = world.commands.get(wanted);
    if (command) return command.run(argsOf(command, args), context);
    if (code && project) return project.run({ code, command: wanted, args }, context);
    throw new PropagitError("BAD_PLAN", `drone ${name} does not know the command ${wanted}`, {
      hint: "it may be older than the hub: update it",
    });
  }

  #end(outcome: DroneCommandEnd["outcome"], reason: string | undefined): DroneCommandEnd {
    return {
      outcome,
      ...(reason !== undefined && { reason: this.#redact(reason).slice(0, reasonChars) }),
      lastLines: [...this.#tail.lines],
      ...(this.#exit !== undefined && { exit: this.#exit }),
    };
  }

  /** The host, and how the last program ended there. */
  #watched(host: Host): Host {
    return {
      ...host,
      execute: async (words, options) => {
        const ended = await host.execute(words, options);
        this.#exit = ended.code;
        return ended;
      },
    };
  }

  #say(line: string): void {
    this.#tail.push(this.#redact(line));
    this.#timer ??= this.#context.clock.after(tellMs, () => this.#tell());
  }

  #tell(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const lines = this.#tail.take();
    if (lines.length > 0) for (const listener of this.listeners) listener(lines);
  }
}

/** A drone has none of the engine's files, and those secrets that came with the task. */
function means(drone: string, secrets?: ReadonlyMap<string, string>): Means {
  return {
    secret: (name) => Promise.resolve(secrets?.get(name)),
    readFile: (path) => {
      const why = `${path} is a file of the hub, which drone ${drone} cannot read`;
      return Promise.reject(
        new PropagitError("TASK_REFUSED", why, {
          hint: "bring it there first: propagit files push",
        }),
      );
    },
  };
}
