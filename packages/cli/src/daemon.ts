/** A daemon on the command line: runs until a signal, ends in order, hides its secret from `ps`. */
import { exitCodes, type PropagitError } from "@propagit/protocol";
import { nodeClock, textLog, within, type Log } from "@propagit/runtime";

export interface Daemon {
  /** @param signal what ends it: ^C is SIGINT, a service manager sends SIGTERM */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when it ends by itself, with the reason when that is an error. */
  readonly ended?: Promise<PropagitError | undefined>;
}

/** Longest orderly end; instances have their own, shorter deadline. */
const stopMsMax = 60_000;

export function daemonLog(part: string): Log {
  return textLog(part, (line) => process.stderr.write(line));
}

/**
 * Keeps a daemon going until SIGINT, SIGTERM, or its own end; a second signal ends at once.
 *
 * @throws what the daemon ended with
 */
export async function keepRunning(daemon: Daemon): Promise<void> {
  const ended = daemon.ended ?? new Promise<never>(() => undefined);
  const first = await Promise.race([ended, nextSignal()]);
  if (typeof first !== "string") {
    if (first) throw first;
    return;
  }
  void nextSignal().then(() => process.exit(128 + 2));
  await within(nodeClock, stopMsMax, "the orderly end", daemon.stop(first));
  // Nothing may hold the process up after everything was stopped, such as a keep-alive socket.
  process.exit(process.exitCode ?? exitCodes.ok);
}

/**
 * Command lines are readable by everybody on the machine, so a secret given as a flag is taken out of
 * what `ps` shows. What matters is then still legible: the part and its first words.
 */
export function hideSecret(title: string): void {
  process.title = title;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const done = (signal: NodeJS.Signals) => {
      process.off("SIGINT", done);
      process.off("SIGTERM", done);
      resolve(signal);
    };
    process.on("SIGINT", done);
    process.on("SIGTERM", done);
  });
}
