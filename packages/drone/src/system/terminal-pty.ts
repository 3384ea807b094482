/** Commands with a terminal: the only place that knows `@lydell/node-pty`. */
import { closeSync, constants as flags, openSync } from "node:fs";
import { constants } from "node:os";
import { PropagitError } from "@propagit/protocol";
import { isAlive, type Clock } from "@propagit/runtime";
import type * as NodePty from "@lydell/node-pty";
import type { RunCommand, RunListener, RunningCommand } from "../task-world.js";
import { endSession } from "./terminal-session.js";

/** What a terminal takes for the end of input: ^D (EOT). */
const endOfInput = "\u0004";
/** A terminal sends these to its foreground by itself when their key is pressed (termios(3)). */
const keys: Readonly<Partial<Record<string, string>>> = { SIGINT: "\u0003", SIGQUIT: "\u001C" };
/** How often is asked whether a command that waits for its reader has ended. */
const lookMs = 50;

export async function startInTerminal(
  clock: Clock,
  { command, folder, variables, terminal }: RunCommand,
  listener: RunListener,
): Promise<RunningCommand> {
  const { spawn } = await load();
  const [program = "", ...args] = command;
  const pty = spawn(program, args, {
    name: terminal?.kind ?? "xterm",
    cols: terminal?.columns ?? 80,
    rows: terminal?.rows ?? 24,
    cwd: folder,
    env: { ...variables },
    // Bytes: a character may be cut in two.
    encoding: null,
  });
  const release = holdOpen(pty);
  pty.onData((data: unknown) => listener.output("out", data as Buffer));
  return {
    pid: pty.pid,
    ended: endOf(clock, pty).finally(release),
    write(data) {
      // The declaration knows texts only; bytes go through as they are.
      (pty as unknown as { write(data: Uint8Array): void }).write(data);
      listener.taken(data.length);
    },
    endInput: () => pty.write(endOfInput),
    resize: (columns, rows) => quietly(() => pty.resize(columns, rows)),
    signal(name) {
      const key = keys[name];
      if (key === undefined) quietly(() => process.kill(-pty.pid, name));
      else pty.write(key);
    },
    pause: () => pauseWhileAlive(pty),
    resume: () => pty.resume(),
    end: () => endSession(clock, pty.pid),
  };
}

/** @throws COMMAND_FAILED where there is no binary for this machine */
async function load(): Promise<typeof NodePty> {
  try {
    return await import("@lydell/node-pty");
  } catch (thrown) {
    const [reason] = String(thrown instanceof Error ? thrown.message : thrown).split("\n");
    throw new PropagitError("COMMAND_FAILED", `this machine has no terminals: ${reason}`, {
      hint: "run it without one, for example with its input from a file: … </dev/null",
      cause: thrown,
    });
  }
}

/**
 * When the last one closes a terminal, its reader is told so before it has read everything: of three
 * megabytes some kilobytes were missing every other time. So this side has it open too, until the end.
 */
function holdOpen(pty: NodePty.IPty): () => void {
  const { ptsName } = pty as unknown as { readonly ptsName?: string };
  try {
    if (ptsName === undefined) return () => undefined;
    const descriptor = openSync(ptsName, flags.O_RDWR | flags.O_NOCTTY);
    return () => closeSync(descriptor);
  } catch {
    return () => undefined;
  }
}

function endOf(clock: Clock, pty: NodePty.IPty): Promise<{ code: number; signal?: string }> {
  return new Promise((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      void endSession(clock, pty.pid).then(() => resolve(describe(exitCode, signal)));
    });
  });
}

function describe(code: number, signal: number | undefined): { code: number; signal?: string } {
  if (!signal) return { code };
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  return { code: 128 + signal, ...(name !== undefined && { signal: name }) };
}

/** The library gives up what was not read 200 ms after the end: then no reader is waited for any more. */
function pauseWhileAlive(pty: NodePty.IPty): void {
  if (!isAlive(pty.pid)) return;
  pty.pause();
  const look = setInterval(() => {
    if (isAlive(pty.pid)) return;
    clearInterval(look);
    pty.resume();
  }, lookMs);
  look.unref();
}

/** It may have ended a moment ago. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Nobody is left to tell.
  }
}
