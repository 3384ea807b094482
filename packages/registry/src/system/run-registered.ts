/**
 * Runs a command on a free port and keeps it registered while it listens there.
 *
 *     start on a free port → it listens → registered → it exits → freed → 1 s → start again
 */
import { spawn, type ChildProcess } from "node:child_process";
import { connect as connectSocket } from "node:net";
import {
  formatAddress,
  PropagitError,
  toPropagitError,
  type Address,
  type Credential,
} from "@propagit/protocol";
import {
  aborted,
  errnoOf,
  findFreePort,
  nodeRandom,
  type Log,
  type PortRange,
} from "@propagit/runtime";
import type { RegistryClient } from "../client-api.js";
import { parseNamedService } from "../core/service.js";
import { connect } from "./connect.js";

export interface RunRegisteredOptions {
  /** Of the registry. */
  readonly address: Address;
  readonly credential?: Credential;
  readonly secret?: string;
  readonly acceptsOpen?: boolean;
  /** `name` or `name@version`. */
  readonly service: string;
  /** The program and its arguments; the port is added as the last one, and as `$PORT`. */
  readonly command: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly commit?: string;
  /** Address to publish; default: as the registry sees it. */
  readonly host?: string;
  readonly portRange?: PortRange;
  readonly log: Log;
}

export interface RunningCommand {
  /** Frees the record, then ends the command: SIGTERM to its group, SIGKILL 5 s later. */
  stop(): Promise<void>;
  /** Resolves when there is no point in going on, with the reason. */
  readonly ended: Promise<PropagitError | undefined>;
}

/** As the ancestor had it. */
const restartMs = 1_000;
const probeMs = 100;
/** After this long without a listener it is said; the waiting goes on. */
const slowMs = 10_000;
const killMs = 5_000;
/** Secrets of the person at the terminal are not the command's business. */
const secretVariables = ["PROPAGIT_SECRET", "PROPAGIT_SECRET_FILE"] as const;

/** @throws BAD_NAME, BAD_RECORD, BAD_USAGE */
export async function runRegistered(options: RunRegisteredOptions): Promise<RunningCommand> {
  if (options.command.length === 0) throw new PropagitError("BAD_USAGE", "no command was given");
  parseNamedService(options.service);
  const { address, credential, secret, acceptsOpen, log } = options;
  const registry = connect(address, {
    log,
    ...(credential !== undefined && { credential }),
    ...(secret !== undefined && { secret }),
    ...(acceptsOpen !== undefined && { acceptsOpen }),
  });
  const stop = new AbortController();
  const over = runUntil(stop.signal, registry, options);
  return {
    ended: over,
    async stop() {
      stop.abort();
      await over;
    },
  };
}

/** Runs it again and again; resolves with the reason when that is pointless, or when stopped. */
async function runUntil(
  stopped: AbortSignal,
  registry: RegistryClient,
  options: RunRegisteredOptions,
): Promise<PropagitError | undefined> {
  try {
    while (!stopped.aborted) {
      await runOnce(stopped, registry, options);
      await pause(restartMs, stopped);
    }
    return undefined;
  } catch (thrown) {
    return toPropagitError(thrown);
  } finally {
    await registry.close();
  }
}

/** One life of the command. @throws what makes another one pointless */
async function runOnce(
  stopped: AbortSignal,
  registry: RegistryClient,
  options: RunRegisteredOptions,
): Promise<void> {
  const { service, log, portRange } = options;
  const port = await findFreePort({ random: nodeRandom, ...(portRange && { range: portRange }) });
  // Stopped while a port was looked for: nobody would tell the child any more.
  if (stopped.aborted) return;
  const child = start(options, port);
  const exit = exitOf(child);
  const life = new AbortController();
  const endLife = () => life.abort();
  void exit.then(endLife);
  stopped.addEventListener("abort", endLife, { once: true });
  try {
    await keepRegistered(life.signal, registry, { ...options, port });
    // Freed before it is told to end, so that nobody is sent to it any more.
    await registry.free(port);
  } catch (thrown) {
    // Somebody was faster at that port; the next life gets another one.
    if (toPropagitError(thrown).code !== "PORT_TAKEN") throw thrown;
  } finally {
    stopped.removeEventListener("abort", endLife);
    await endGroup(child, exit);
  }
  const how = await exit;
  if (how.error) throw how.error;
  if (!stopped.aborted) log.warn(`${service} ${how.text}; starting it again in 1 s`);
}

/** Registers as soon as it listens; resolves at the end of its life. */
async function keepRegistered(
  life: AbortSignal,
  registry: RegistryClient,
  options: RunRegisteredOptions & { readonly port: number },
): Promise<void> {
  const { service, port, meta, commit, host, log } = options;
  if (!(await untilListening(life, options))) return;
  const registered = registry.registerEndpoint(service, {
    port,
    ...(meta && { meta }),
    ...(commit !== undefined && { commit }),
    ...(host !== undefined && { host }),
  });
  const ended = aborted(life);
  const endpoint = await Promise.race([registered, ended]);
  if (!endpoint) return;
  log.info(`${service} is registered at ${formatAddress(endpoint)}`);
  await ended;
}

async function untilListening(
  life: AbortSignal,
  { service, port, host, log }: RunRegisteredOptions & { readonly port: number },
): Promise<boolean> {
  const since = performance.now();
  let isSaid = false;
  const hosts = ["127.0.0.1", "::1", ...(host === undefined ? [] : [host])];
  while (!life.aborted) {
    for (const each of hosts) if (await listens(each, port)) return true;
    if (!isSaid && performance.now() - since > slowMs) {
      isSaid = true;
      log.warn(`${service} does not listen on port ${port} yet; it is registered when it does`);
    }
    await pause(probeMs, life);
  }
  return false;
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port, timeout: 1_000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
  });
}

/** In a process group of its own, so that its children end with it. */
function start({ command, address }: RunRegisteredOptions, port: number): ChildProcess {
  const [program = "", ...args] = command;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PORT: String(port),
    REGISTRY: formatAddress(address),
  };
  for (const name of secretVariables) delete env[name];
  return spawn(program, [...args, String(port)], { stdio: "inherit", detached: true, env });
}

interface Exit {
  readonly text: string;
  /** Why it could not even be started. */
  readonly error?: PropagitError;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ text: signal ? `was ended by ${signal}` : `exited with code ${code}` });
    });
    child.once("error", (cause) => {
      const reason = errnoOf(cause) ?? cause.message;
      const message = `${child.spawnfile} cannot be run: ${reason}`;
      const hint = "check that the program exists and may be executed";
      resolve({ text: message, error: new PropagitError("BAD_USAGE", message, { hint, cause }) });
    });
  });
}

async function endGroup(child: ChildProcess, exit: Promise<Exit>): Promise<void> {
  signalGroup(child, "SIGTERM");
  // After its own end, what it left behind in its group is ended at once.
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), killMs);
  await exit;
  clearTimeout(timer);
  signalGroup(child, "SIGKILL");
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function pause(delayMs: number, until: AbortSignal): Promise<void> {
  if (until.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      until.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    until.addEventListener("abort", done, { once: true });
  });
}
