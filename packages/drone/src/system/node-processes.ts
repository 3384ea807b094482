/** Processes of the machine, each in a group of its own, writing into its own file. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { errnoOf, type Clock, type Log } from "@propagit/runtime";
import type { LaunchRequest, ProcessEnd, Processes, RunningProcess } from "../world.js";
import { OutputFile } from "./output-file.js";
import { endGroup, signalGroup } from "./process-group.js";
import type { ProcessLedger } from "./process-ledger.js";

export interface NodeProcessesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: ProcessLedger;
  /** Where output files go. */
  readonly folder: string;
  readonly outputBytesMax: number;
  /** For what is left of a group when its leader has ended. */
  readonly stopTimeoutMs: number;
}

export class NodeProcesses implements Processes {
  readonly #options: NodeProcessesOptions;

  constructor(options: NodeProcessesOptions) {
    this.#options = options;
  }

  async launch(request: LaunchRequest): Promise<RunningProcess> {
    const { ledger, folder, outputBytesMax: bytesMax } = this.#options;
    const output = await createOutput({ ...request, folder, bytesMax });
    try {
      await ledger.intend(request.process);
      const child = await spawnGroup(request, output.descriptor);
      return this.#watch(request, child, output);
    } catch (thrown) {
      output.stop();
      await ledger.ended(request.process).catch(() => undefined);
      throw thrown;
    } finally {
      await output.release();
    }
  }

  #watch(
    { process }: LaunchRequest,
    { child, pid }: StartedChild,
    output: OutputFile,
  ): RunningProcess {
    const { ledger } = this.#options;
    this.#note(ledger.started(process, pid));
    return {
      pid,
      ended: this.#end(process, child, pid, output),
      signal: (name) => void signalGroup(pid, name),
      lastLines: () => output.lastLines(),
    };
  }

  async #end(
    process: string,
    child: ChildProcess,
    pid: number,
    output: OutputFile,
  ): Promise<ProcessEnd> {
    const { clock, stopTimeoutMs, ledger } = this.#options;
    const how = await exitOf(child);
    // Children of the leader that outlived it hold ports and files.
    await endGroup(clock, pid, stopTimeoutMs);
    output.stop();
    const lastLines = await output.lastLines().catch(() => []);
    await ledger.ended(process).catch((thrown: unknown) => this.#complain(thrown));
    return { how, lastLines };
  }

  #note(work: Promise<void>): void {
    work.catch((thrown: unknown) => this.#complain(thrown));
  }

  #complain(thrown: unknown): void {
    this.#options.log.warn(`the list of processes: ${toPropagitError(thrown).message}`);
  }
}

interface StartedChild {
  readonly child: ChildProcess;
  readonly pid: number;
}

async function createOutput(place: Parameters<typeof OutputFile.create>[0]): Promise<OutputFile> {
  try {
    return await OutputFile.create(place);
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `its output file cannot be made: ${reason}`, {
      cause: thrown,
    });
  }
}

async function spawnGroup(request: LaunchRequest, output: number): Promise<StartedChild> {
  const { command, folder, environment } = request;
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    env: environment,
    stdio: ["ignore", output, output],
    detached: true,
  });
  try {
    await once(child, "spawn");
  } catch (thrown) {
    throw new PropagitError("DEPLOY_FAILED", await notStarted(request, program, thrown), {
      cause: thrown,
    });
  }
  if (child.pid === undefined) throw new Error("cannot happen: a spawned process has a pid");
  return { child, pid: child.pid };
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve(signal === null ? `exited with code ${code}` : `was ended by ${signal}`);
    });
  });
}

/** Why there is no process, in words: `ENOENT` is as well a missing interpreter as a missing program. */
async function notStarted(
  { folder, environment }: LaunchRequest,
  program: string,
  thrown: unknown,
): Promise<string> {
  const code = errnoOf(thrown) ?? String(thrown);
  const found = await findProgram(program, folder, environment["PATH"] ?? "");
  if (code === "ENOENT" && found === undefined) return `command not found: ${program}`;
  if (code === "ENOENT")
    return `${program} cannot be run: the interpreter in its first line is missing`;
  if (code === "EACCES") return `${program} cannot be run: it is not executable`;
  return `${program} cannot be run: ${code}`;
}

async function findProgram(
  program: string,
  folder: string,
  path: string,
): Promise<string | undefined> {
  const places = program.includes("/")
    ? [resolve(folder, program)]
    : path.split(delimiter).map((place) => join(resolve(folder, place), program));
  for (const place of places) {
    const isFile = (await stat(place).catch(() => undefined))?.isFile() ?? false;
    if (isFile && (await isAccessible(place))) return place;
  }
  return undefined;
}

async function isAccessible(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
