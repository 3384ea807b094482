/** Tasks of plans on this machine, by whoever may ask for them: the parts of the drone that the hub calls, too. */
import {
  assert,
  PropagitError,
  type CommandRecalled,
  type DroneCommandEnd,
  type Errand,
} from "@propagit/protocol";
import type { Handlers, IncomingCall } from "@propagit/runtime";

export interface TaskCall {
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
}

export interface PlanTask extends Errand {
  /** `<run>/<task>/<attempt>` */
  readonly key: string;
  /** Who began the plan, for what is remembered of it. */
  readonly by: string;
}

interface FilesArgs {
  readonly commit: string;
  readonly path: string;
  readonly replace: boolean;
  readonly force: boolean;
}

export class PlanTasks {
  readonly #handlers: Pick<Handlers, Called>;

  constructor(handlers: Pick<Handlers, Called>) {
    this.#handlers = handlers;
  }

  async run(task: PlanTask, call: TaskCall): Promise<DroneCommandEnd> {
    return task.command === "put-files" ? this.#putFiles(task, call) : this.#command(task, call);
  }

  /** What became of an attempt that was asked for before. */
  async recall({
    key,
    command,
    once,
  }: Pick<PlanTask, "key" | "command" | "once">): Promise<CommandRecalled> {
    // Nobody remembers it, and it may be done again.
    if (command === "put-files") return { state: once ? "unknown" : "not-begun" };
    const call = callOf<"drone.command-recall">(new AbortController().signal, () => undefined);
    const { commands } = await this.#handler("drone.command-recall")({ keys: [key] }, call);
    const [found] = commands;
    assert(found, "there is an answer for each key");
    return found;
  }

  /** What is here already stays as it is, so that it may be done again. */
  async #putFiles({ args, by }: PlanTask, call: TaskCall): Promise<DroneCommandEnd> {
    const { commit, path, replace, force } = JSON.parse(args) as FilesArgs;
    const params = { path, commit, carrier: commit, replace, force, dryRun: false, by };
    const { changes } = await this.#handler("drone.files")(
      params,
      callOf<"drone.files">(call.signal, () => undefined),
    );
    const { added, changed, removed, unchanged } = changes;
    const isSame = added + changed + removed === 0;
    return {
      outcome: isSame ? "unchanged" : "done",
      reason: `${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged`,
      lastLines: [],
    };
  }

  async #command(
    { key, command, args, timeoutMs, once }: PlanTask,
    { signal, onOutput }: TaskCall,
  ): Promise<DroneCommandEnd> {
    // Who goes away leaves it under way; the task is to end.
    const cancel = () =>
      void this.#handler("drone.command-cancel")(
        { key },
        callOf(signal, () => undefined),
      );
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const onPart = (lines: readonly string[]) => lines.forEach(onOutput);
      const params = { key, command, args, timeoutMs, once };
      // It is ended by being cancelled, and its end is waited for.
      const call = callOf<"drone.command">(new AbortController().signal, onPart);
      return await this.#handler("drone.command")(params, call);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  #handler<M extends Called>(method: M): NonNullable<Pick<Handlers, Called>[M]> {
    const handler = this.#handlers[method];
    assert(handler, `a drone answers ${method}`);
    return handler;
  }
}

type Called = "drone.files" | "drone.command" | "drone.command-cancel" | "drone.command-recall";

/** Nobody is at the other end of a connection: they are asked by this process. */
function callOf<M extends Called>(
  signal: AbortSignal,
  part: IncomingCall<M>["part"],
): IncomingCall<M> {
  const conversation: IncomingCall<M>["conversation"] = new Proxy({} as never, {
    get: () => {
      throw new PropagitError("INTERNAL", "there is no connection");
    },
  });
  return { conversation, signal, part };
}
