/** Commands without a terminal: three pipes. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { withStreams, type Clock } from "@propagit/runtime";
import type { RunCommand, RunListener, RunningCommand } from "../task-world.js";
import { signalGroup } from "./process-group.js";
import { endSession } from "./terminal-session.js";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Output that is still in the pipes when everything that could write is gone. */
const restMsMax = 2_000;

export async function startWithPipes(
  clock: Clock,
  { command, folder, variables }: RunCommand,
  listener: RunListener,
): Promise<RunningCommand> {
  const [program = "", ...args] = command;
  const child: Child = withStreams(
    spawn(program, args, {
      cwd: folder,
      env: variables,
      stdio: ["pipe", "pipe", "pipe"],
      // A session of its own.
      detached: true,
    }),
  );
  // What the command no longer reads is lost, as in a shell.
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (data: Buffer) => listener.output("out", data));
  child.stderr.on("data", (data: Buffer) => listener.output("err", data));
  let isPaused = false;
  const ended = endOf(clock, child, () => isPaused);
  // When it cannot be started.
  ended.catch(() => undefined);
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const outputs = [child.stdout, child.stderr];
  return {
    pid,
    ended,
    write: (data) => void child.stdin.write(data, () => listener.taken(data.length)),
    endInput: () => void child.stdin.end(),
    resize: () => undefined,
    signal: (name) => void signalGroup(pid, name),
    pause() {
      isPaused = true;
      for (const stream of outputs) stream.pause();
    },
    resume() {
      isPaused = false;
      for (const stream of outputs) stream.resume();
    },
    end: () => endSession(clock, pid),
  };
}

async function endOf(
  clock: Clock,
  child: Child,
  isPaused: () => boolean,
): Promise<{ code: number; signal?: string }> {
  const closed = once(child, "close");
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  // What it left in the background holds its pipes, and belongs to nobody.
  await endSession(clock, child.pid ?? 0);
  const stopReading = readRest([child.stdout, child.stderr], isPaused);
  await closed;
  stopReading();
  if (signal === null) return { code: code ?? 0 };
  return { code: 128 + constants.signals[signal], signal };
}

/** What escaped into a session of its own may hold the pipes for ever; a slow reader gets the time he needs. */
function readRest(streams: readonly Readable[], isPaused: () => boolean): () => void {
  let hasRead = false;
  for (const stream of streams) {
    stream.on("data", () => {
      hasRead = true;
    });
  }
  const look = setInterval(() => {
    if (!hasRead && !isPaused()) for (const stream of streams) stream.destroy();
    hasRead = false;
  }, restMsMax);
  return () => clearInterval(look);
}
