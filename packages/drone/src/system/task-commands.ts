/**
 * Processes of tasks. They outlive the drone, so that a new version of it costs no build and a killed one
 * interrupts no migration:
 *
 *     tasks/ID.out     its output, which it writes itself: no pipe that dies with the drone
 *     tasks/ID.exit    `CODE end`, once it ended, written by the shell that started it
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, identifyProcess, isRunning, withStreams, type Clock } from "@propagit/runtime";
import type { ProcessIdentity } from "@propagit/runtime";
import type {
  RunningTask,
  TaskCommand,
  TaskCommands,
  TaskEnd,
  TaskListener,
} from "../task-world.js";
import { endBelongings } from "./process-group.js";
import { TaskTail } from "./task-tail.js";

/**
 * Runs the command and notes its exit code. The shell itself outlives the signals that end the command;
 * only what is written by builtins is used, as PATH is the command's.
 */
const shim = `trap : HUP INT TERM; "$@"; echo "$? end" > "$0"`;
/** From SIGTERM to SIGKILL: a migration gets the time to roll back. */
const graceMs = 10_000;
/** For what a command left behind in its group when it ended by itself. */
const leftoverGraceMs = 2_000;
/** A process of an earlier life is no child: it must be looked at. */
const lookMs = 250;

export class NodeTaskCommands implements TaskCommands {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async start(command: TaskCommand, listener: TaskListener): Promise<RunningTask> {
    const { id, folder, variables } = command;
    await mkdir(this.#folder, { recursive: true });
    const output = await open(this.#path(id, "out"), "a", 0o600);
    try {
      const child = withStreams(
        spawn("/bin/sh", ["-c", shim, this.#path(id, "exit"), ...command.command], {
          cwd: folder,
          env: variables,
          stdio: ["ignore", output.fd, output.fd],
          detached: true,
        }),
      );
      await once(child, "spawn");
      const gone = once(child, "exit");
      const identity = await identityOf(child.pid);
      return this.#follow(id, identity, gone, listener);
    } catch (thrown) {
      const reason = errnoOf(thrown) ?? String(thrown);
      throw new PropagitError("COMMAND_FAILED", `the command cannot be started: ${reason}`, {
        cause: thrown,
      });
    } finally {
      await output.close();
    }
  }

  adopt(id: string, identity: ProcessIdentity | undefined, listener: TaskListener): RunningTask {
    const stop = new AbortController();
    const gone = identity ? goneAfterAll(identity, stop.signal) : Promise.resolve();
    const known = identity ?? { pid: 0, startTime: "" };
    const task = this.#follow(id, known, gone, listener);
    return {
      ...task,
      leave() {
        stop.abort();
        task.leave();
      },
    };
  }

  async forget(id: string): Promise<void> {
    for (const kind of ["out", "exit"] as const) await rm(this.#path(id, kind), { force: true });
  }

  #follow(
    id: string,
    identity: ProcessIdentity,
    gone: Promise<unknown>,
    listener: TaskListener,
  ): RunningTask {
    const tail = new TaskTail(this.#path(id, "out"), listener);
    const belongings = { process: id, group: identity.pid > 1 ? identity.pid : undefined };
    return {
      identity,
      ended: this.#end(id, gone, belongings, tail),
      end: () => endBelongings(this.#clock, belongings, graceMs),
      leave: () => tail.stop(),
    };
  }

  async #end(
    id: string,
    gone: Promise<unknown>,
    belongings: Parameters<typeof endBelongings>[1],
    tail: TaskTail,
  ): Promise<TaskEnd> {
    await gone;
    const code = await this.#readCode(id);
    // The number may be somebody else's by now; what carries the id in its environment is the task's.
    await endBelongings(this.#clock, { ...belongings, group: undefined }, leftoverGraceMs);
    await tail.finish();
    return { code };
  }

  async #readCode(id: string): Promise<number | undefined> {
    const text = await readFile(this.#path(id, "exit"), "utf8").catch(() => "");
    const code = /^(\d+) end\n$/.exec(text)?.[1];
    return code === undefined ? undefined : Number(code);
  }

  #path(id: string, kind: "out" | "exit"): string {
    return join(this.#folder, `${id}.${kind}`);
  }
}

/** One that has ended already is told by its exit code; its pid alone proves nothing. */
async function identityOf(pid: number | undefined): Promise<ProcessIdentity> {
  const known = pid === undefined ? undefined : await identifyProcess(pid);
  return known ?? { pid: 0, startTime: "" };
}

async function goneAfterAll(identity: ProcessIdentity, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isRunning(identity))) {
    await new Promise((resolve) => {
      setTimeout(resolve, lookMs).unref();
    });
  }
  // Nobody wants to know any more, and it may run on.
  if (signal.aborted) await new Promise(() => undefined);
}
