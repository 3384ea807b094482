/**
 * Commands that somebody runs beside or inside the instances of a deployment: what they write goes to the
 * caller, what he types goes to them, and they end when he goes.
 */
import { PropagitError, type Params, type Result } from "@propagit/protocol";
import type { Handlers, IncomingCall, TellingHandlers } from "@propagit/runtime";
import type { DroneContext, DronePart } from "./drone-part.js";
import { Run } from "./runs-run.js";
import type { Commands, RunCommand } from "./task-world.js";
import type { CommitName, InstanceNote, Specified } from "./world.js";

type RunParams = Params<"drone.run">;

/** At once: each has a process, and somebody who waits for it. */
const runsMax = 100;

export class RunDesk implements DronePart {
  readonly handlers: Handlers;
  readonly tellingHandlers: TellingHandlers;
  readonly #drone: DroneContext;
  readonly #commands: Commands;
  readonly #runs = new Map<string, Run>();
  readonly #commits = new Map<string, CommitName>();
  #isStopped = false;

  constructor(drone: DroneContext, commands: Commands) {
    this.#drone = drone;
    this.#commands = commands;
    this.handlers = { "drone.run": (params, call) => this.#answer(params, call) };
    this.tellingHandlers = {
      // One that has ended meanwhile is nothing to complain about.
      "run.input": ({ stream, data }) => this.#runs.get(stream)?.input(Buffer.from(data, "base64")),
      "run.taken": ({ stream, bytes }) => this.#runs.get(stream)?.taken(bytes),
      "run.resize": ({ stream, columns, rows }) => this.#runs.get(stream)?.resize(columns, rows),
      "run.signal": ({ stream, signal }) => this.#runs.get(stream)?.signal(signal),
    };
  }

  readonly commitsInUse = (): readonly CommitName[] => [...this.#commits.values()];

  readonly stop = async (): Promise<void> => {
    this.#isStopped = true;
    const over = new PropagitError("COMMAND_FAILED", `drone ${this.#drone.name()} ends`);
    await Promise.all([...this.#runs.values()].map((run) => run.end(over)));
  };

  async #answer(params: RunParams, call: IncomingCall<"drone.run">): Promise<Result<"drone.run">> {
    const { stream, repo, artifact } = params;
    this.#admit(stream);
    const run = new Run({
      clock: this.#drone.world.clock,
      drone: this.#drone.name(),
      tell: call.part,
      bufferedBytes: () => call.conversation.bufferedBytes,
    });
    const leave = () => void run.end(new PropagitError("LINK_LOST", "the caller has gone"));
    this.#runs.set(stream, run);
    this.#commits.set(stream, { repo, commit: artifact });
    call.signal.addEventListener("abort", leave, { once: true });
    try {
      const command = await this.#commandOf(params, call.signal);
      return await run.perform(params, () => this.#commands.start(command, run.listener));
    } finally {
      call.signal.removeEventListener("abort", leave);
      this.#runs.delete(stream);
      this.#commits.delete(stream);
    }
  }

  #admit(stream: string): void {
    if (this.#isStopped) {
      throw new PropagitError("COMMAND_FAILED", `drone ${this.#drone.name()} ends`);
    }
    if (this.#runs.has(stream)) throw new PropagitError("EXISTS", `${stream} runs already`);
    if (this.#runs.size >= runsMax) {
      throw new PropagitError(
        "OVERLOADED",
        `drone ${this.#drone.name()} runs ${runsMax} commands already`,
        { hint: "wait until some have ended, or choose another drone with --on" },
      );
    }
  }

  async #commandOf(params: RunParams, signal: AbortSignal): Promise<RunCommand> {
    const context = this.#drone;
    const { repo, artifact, command, env, terminal, stream } = params;
    const note = this.#instanceOf(params);
    const specified = await context.specified(params.deployment);
    const service = note?.service ?? params.service;
    const plan = context.planOf(specified, service);
    const name = { repo, commit: artifact };
    await context.world.commits.fetch(name, () => context.source(repo), signal);
    const { folder } = await context.world.commits.checkOut(name, signal);
    const variables = context.environment({
      identity: {
        ...params,
        process: note?.process ?? stream,
        service: service ?? firstService(specified),
      },
      plan,
      folder,
      ports: note?.ports ?? {},
      variables: { ...(terminal && { TERM: terminal.kind }), ...env },
    });
    const { cwd, user } = plan;
    return {
      command,
      folder: cwd === undefined ? folder : `${folder}/${cwd}`,
      variables,
      user,
      terminal,
    };
  }

  /** @throws NO_INSTANCE */
  #instanceOf({ process }: RunParams): InstanceNote | undefined {
    if (process === undefined) return undefined;
    const instance = this.#drone.instances().find(({ note }) => note.process === process);
    if (instance) return instance.note;
    throw new PropagitError("NO_INSTANCE", `no instance ${process} runs on ${this.#drone.name()}`);
  }
}

/** What a command beside all services says it is, where nothing else is known. */
const serviceDefault = "run";

function firstService({ services }: Specified): string {
  return services[0]?.name ?? serviceDefault;
}
