/**
 * Commands of a project's own, each time in a process of their own: foreign code never runs in a daemon.
 *
 *     starting --begin--> running --ended, failed--> its group is killed --> the end
 *                            |-- aborted: told so -- graceMs --> its group is killed
 *                            '-- it dies --> TASK_FAILED with what it said last
 *
 * It runs as the daemon's user, with hardly any environment and bounded memory, and has no means but to ask
 * (`core/project-words.ts`): what it has executed is a program of this process, and ends with the task.
 */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type {
  CommandContext,
  CommandEnd,
  DrainPart,
  ExecuteOptions,
  HostMessage,
  HostRequest,
  ProjectTask,
  PutContent,
  PutOptions,
  WantedCommit,
} from "../command.js";
import { OutputLines } from "../core/output-lines.js";
import type { Asked, FromProject, ToProject } from "../core/project-words.js";
import { plainEnvironment } from "./local-host.js";
import { graceMs } from "./run-program.js";

/** Beside this file, both as it is compiled and in the bundle of the command line. */
const program = fileURLToPath(new URL("./project-process-main.js", import.meta.url));
/** A command is to steer, not to compute. A guess. */
const memoryMegabytes = 256;
/** Of a line that it says; more is cut off anyway. */
const lineCharsMax = 4_096;
/** Asked at the same time; more is a mistake of the command. A guess. */
const callsMax = 1_000;

/** Runs one, found in the propagit.config of a folder. @throws BAD_CONFIG, BAD_PLAN, TASK_FAILED; what it throws */
export async function runInProject(
  folder: string,
  { command, args }: Pick<ProjectTask, "command" | "args">,
  context: CommandContext,
): Promise<CommandEnd> {
  context.signal.throwIfAborted();
  const running = new ProjectProcess(command, context);
  const { host, key, means } = context;
  const has = (["balancer", "commits"] as const).filter((name) => means[name] !== undefined);
  return running.run({ kind: "begin", folder, command, args, host: host.name, key, has });
}

class ProjectProcess {
  readonly #name: string;
  readonly #context: CommandContext;
  readonly #child: ChildProcess;
  readonly #over = new AbortController();
  readonly #calls = new Map<number, AbortController>();
  #end: ((end: CommandEnd) => void) | undefined;
  #fail: ((thrown: unknown) => void) | undefined;
  #said = "";

  constructor(name: string, context: CommandContext) {
    this.#name = name;
    this.#context = context;
    this.#child = fork(program, [], {
      execArgv: [`--max-old-space-size=${memoryMegabytes}`],
      env: plainEnvironment(),
      // Wherever the daemon was started.
      cwd: "/",
      // What it starts itself ends with it.
      detached: true,
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
  }

  async run(begin: ToProject): Promise<CommandEnd> {
    const { signal } = this.#context;
    const ended = new Promise<CommandEnd>((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    const gone = this.#follow();
    const stop = () => this.#abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      this.#tell(begin);
      return await ended;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#over.abort();
      this.#kill();
      await gone;
    }
  }

  /** Resolves when it is gone, and nothing of what it started is left in its group. */
  #follow(): Promise<void> {
    const lines = new OutputLines((line) => this.#context.say(line));
    const errors = new OutputLines((line) => {
      this.#said = line;
      this.#context.say(line);
    });
    const { stdout, stderr } = this.#child;
    stdout?.setEncoding("utf8").on("data", (text: string) => lines.push(text));
    stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    this.#child.on("message", (words) => this.#take(words as FromProject));
    return new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#fail?.(
          new PropagitError("TASK_FAILED", `no process could be started: ${error.message}`),
        );
        resolve();
      });
      this.#child.once("close", (code, by) => {
        lines.end();
        errors.end();
        const how = by === null ? `with ${code}` : `by ${by}`;
        const said = this.#said === "" ? "" : `: ${this.#said}`;
        const why = `the process of command ${this.#name} ended ${how}${said}`;
        const { aborted, reason } = this.#context.signal as AbortSignal & { reason: unknown };
        this.#fail?.(aborted ? reason : new PropagitError("TASK_FAILED", why));
        resolve();
      });
    });
  }

  #abort(): void {
    this.#tell({ kind: "abort" });
    const { clock } = this.#context;
    const timer = clock.after(graceMs, () => this.#kill());
    this.#over.signal.addEventListener("abort", () => timer.cancel(), { once: true });
  }

  #kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It is gone.
    }
  }

  #tell(words: ToProject): void {
    // It may have gone just now; then its end is told.
    if (this.#child.connected) this.#child.send(words, () => undefined);
  }

  /** JavaScript may say anything. */
  #say(line: unknown): void {
    this.#context.say(String(line).slice(0, lineCharsMax));
  }

  #take(words: FromProject): void {
    switch (words.kind) {
      case "call":
        void this.#answer(words);
        return;
      case "cancel":
        this.#calls.get(words.id)?.abort();
        return;
      case "say":
        this.#say(words.line);
        return;
      case "ended":
        this.#end?.(words.end);
        return;
      case "failed":
        this.#fail?.(PropagitError.fromData(words.error));
        return;
      default:
        words satisfies never;
    }
  }

  async #answer({ id, asked, params }: Extract<FromProject, { kind: "call" }>): Promise<void> {
    const abort = new AbortController();
    try {
      if (this.#calls.size >= callsMax) {
        throw new PropagitError("OVERLOADED", `command ${this.#name} asks for too much at once`);
      }
      this.#calls.set(id, abort);
      const signal = AbortSignal.any([abort.signal, this.#context.signal, this.#over.signal]);
      const onOutput = (line: string) => this.#tell({ kind: "output", id, line });
      const value = await answerOf(asked, params, this.#context, { signal, onOutput });
      this.#tell({ kind: "answer", id, value });
    } catch (thrown) {
      this.#tell({ kind: "refusal", id, error: toPropagitError(thrown).toData() });
    } finally {
      this.#calls.delete(id);
    }
  }
}

type Live = Required<Pick<ExecuteOptions, "signal" | "onOutput">>;

/** What it asks for is what a command may do; that its words are wrong is its own failure. */
function answerOf(
  asked: Asked,
  params: readonly unknown[],
  { host, means }: CommandContext,
  { signal, onOutput }: Live,
): Promise<unknown> {
  const [first, second, third] = params;
  switch (asked) {
    case "execute":
      return host.execute(first as string[], { ...(second as ExecuteOptions), signal, onOutput });
    case "put":
      return host.put(first as PutContent, second as string, { ...(third as PutOptions), signal });
    case "exists":
      return host.exists(first as string);
    case "request":
      return host.request({ ...(first as HostRequest), signal });
    case "send":
      return host.send({ ...(first as HostMessage), signal });
    case "secret":
      return means.secret(first as string);
    case "readFile":
      return means.readFile(first as string, second as number);
    case "drain":
    case "undrain":
      return there(means.balancer)[asked]({ ...(first as DrainPart), signal });
    case "distribute":
      return there(means.commits).distribute({ ...(first as WantedCommit), signal });
    case "checkOut":
      return there(means.commits).checkOut(
        { ...(first as WantedCommit), signal },
        second as string,
      );
    default:
      return asked satisfies never;
  }
}

function there<T>(means: T | undefined): T {
  if (means) return means;
  throw new PropagitError("TASK_REFUSED", "there is nothing of that kind here");
}
