/**
 * Machines behind ssh, by the system's own client: its configuration, agent and known hosts, and nothing that
 * asks a question.
 *
 *     hosts.host("deploy@fe001").execute(["tar", "-xf", name])
 *        ssh -S <connection of the pool> -- deploy@fe001 <one line>
 *              the user's shell there --> /bin/sh: mark, the program, mark  (core/far-frame.ts)
 */
import { randomBytes } from "node:crypto";
import { PropagitError, quote } from "@propagit/protocol";
import { deferred } from "@propagit/runtime";
import { HostLostMidway, type Executed, type Host } from "../command.js";
import { FarFrame, framedLine } from "../core/far-frame.js";
import { OutputLines } from "../core/output-lines.js";
import { loginLine, programLine } from "../core/shell-words.js";
import { sshRefusal } from "../core/ssh-refusal.js";
import { endedEarly, lineBytesMax, refuseSudo, refuseWords } from "./execute-failure.js";
import { requestFromThere, sendFromThere } from "./from-there.js";
import { plainEnvironment } from "./local-host.js";
import { existsAt, putFile, type RunOptions } from "./put-file.js";
import { graceMs, RunningProgram } from "./run-program.js";
import { commonWords, type SshCall } from "./ssh-master.js";
import { SshPool, type Session } from "./ssh-pool.js";

export interface SshHostsOptions {
  /** Connections at the same time, over all hosts. Default 64. */
  readonly mastersMax?: number;
  /** Instead of the user's own `~/.ssh/config`. */
  readonly configFile?: string;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
}

export interface SshHosts {
  /** @param name `user@host` or a name of ssh's own configuration; nothing is connected yet */
  host(name: string): Host;
  /** Ends all connections, and with them what is under way. */
  close(): Promise<void>;
}

/**
 * @example
 * const hosts = openSshHosts({ mastersMax: 16 });
 * const { code } = await hosts.host("deploy@fe001").execute(["uptime"]);
 * await hosts.close();
 */
export function openSshHosts(options: SshHostsOptions = {}): SshHosts {
  const { mastersMax = 64, configFile, connectTimeoutMs = 10_000 } = options;
  const pool = new SshPool(mastersMax);
  const words = [
    ...(configFile === undefined ? [] : ["-F", configFile]),
    "-o",
    `ConnectTimeout=${Math.ceil(connectTimeoutMs / 1_000)}`,
  ];
  const environment = plainEnvironment();
  return {
    host: (host) => hostOf(pool, { host, options: words, environment }),
    close: () => pool.close(),
  };
}

function hostOf(pool: SshPool, call: SshCall): Host {
  const name = call.host;
  const run = (words: readonly string[], asked: RunOptions = {}) =>
    runThere(pool, call, words, asked);
  return {
    name,
    execute: (words, asked = {}) => run(words, asked),
    put: (content, path, put = {}) => putFile(run, content, { host: name, path, options: put }),
    exists: (path) => existsAt(run, path),
    request: (request) => requestFromThere(run, request),
    send: (message) => sendFromThere(run, message),
  };
}

async function runThere(
  pool: SshPool,
  call: SshCall,
  words: readonly string[],
  asked: RunOptions,
): Promise<Executed> {
  refuseWords(words);
  const first = await runOnce(pool, call, words, asked);
  if (first.executed) return first.executed;
  // The connection had ended without anybody's noticing, and nothing was begun: a new one may do.
  const isOver = first.refusal.code !== "HOST_LOST" || isStream(asked.input);
  const second = isOver ? first : await runOnce(pool, call, words, asked);
  if (second.executed) return second.executed;
  throw second.refusal;
}

type Try =
  | { readonly executed: Executed }
  /** It was not begun. */
  | { readonly executed?: undefined; readonly refusal: PropagitError };

async function runOnce(
  pool: SshPool,
  call: SshCall,
  words: readonly string[],
  asked: RunOptions,
): Promise<Try> {
  const session = await pool.session(call, asked.signal);
  try {
    const result = await new FarProgram({ call, session, words, asked }).run();
    if (result.executed) {
      if (asked.sudo === true) refuseSudo(call.host, result.executed);
    } else await Promise.race([session.gone, pause(goneMsMax)]);
    return result;
  } finally {
    session.release();
  }
}

/** How long it takes at most until the end of a connection is known when its socket takes nobody any more. */
const goneMsMax = 1_000;

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs).unref();
  });
}

/** What was read of it is gone. */
function isStream(input: RunOptions["input"]): boolean {
  return input !== undefined && typeof input !== "string" && !(input instanceof Uint8Array);
}

interface FarStart {
  readonly call: SshCall;
  readonly session: Session;
  readonly words: readonly string[];
  readonly asked: RunOptions;
}

/** One program at a host. */
class FarProgram {
  readonly #start: FarStart;
  readonly #nonce = randomBytes(12).toString("hex");
  readonly #output: OutputLines;
  readonly #errorOutput: OutputLines;
  readonly #frame: FarFrame;
  #client: RunningProgram | undefined;
  readonly #begun = deferred<void>();
  #aborted = false;

  constructor(start: FarStart) {
    const tell = (line: string) => start.asked.onOutput?.(line);
    this.#start = start;
    this.#output = new OutputLines(tell);
    this.#errorOutput = new OutputLines(tell);
    this.#frame = new FarFrame(this.#nonce, (text) => this.#errorOutput.push(text));
  }

  async run(): Promise<Try> {
    const { asked } = this.#start;
    let aborting: Promise<void> | undefined;
    const onAbort = () => {
      aborting ??= this.#abort();
    };
    this.#client = this.#ssh(
      framedLine(this.#nonce, programLine(startOf(this.#start))),
      asked.input,
    );
    asked.signal?.addEventListener("abort", onAbort, { once: true });
    if (asked.signal?.aborted) onAbort();
    try {
      await this.#client.ended;
    } finally {
      asked.signal?.removeEventListener("abort", onAbort);
      await aborting;
    }
    return this.#executed();
  }

  #executed(): Try {
    const { call, words } = this.#start;
    this.#frame.end();
    this.#output.end();
    this.#errorOutput.end();
    const { code, group, before } = this.#frame;
    if (this.#aborted) throw endedEarly(call.host, words);
    if (group === undefined) return { refusal: sshRefusal(call.host, before) };
    if (code === undefined) {
      const message = `${call.host} was lost while ${quote(words[0] ?? "")} ran there; nobody knows how it ended`;
      throw new HostLostMidway(message);
    }
    const output = this.#output.text;
    return { executed: { code, output, errorOutput: this.#errorOutput.text } };
  }

  #ssh(line: string, input: RunOptions["input"]): RunningProgram {
    const { call, session } = this.#start;
    return new RunningProgram({
      words: sshWords(call, session, line),
      environment: call.environment,
      input,
      onOutput: (text) => this.#output.push(text),
      onErrorOutput: (text) => {
        this.#frame.push(text);
        if (this.#frame.group !== undefined) this.#begun.resolve();
        if (this.#frame.code !== undefined) this.#linger();
      },
    });
  }

  /** It has ended; what it left in the background keeps ssh waiting, and nobody else. */
  #linger(): void {
    setTimeout(() => this.#client?.abort(), lingerMs).unref();
  }

  /** The whole group of it there, then ssh here: ending only that would leave the program alone. */
  async #abort(): Promise<void> {
    this.#aborted = true;
    const ended = this.#client?.ended.catch(() => undefined);
    // It may have begun there without our having heard of it: nobody could end it then.
    await Promise.race([this.#begun.promise, ended, pause(graceMs)]);
    const { group } = this.#frame;
    if (group !== undefined) {
      await this.#signalThere(group, "TERM");
      await Promise.race([ended, pause(graceMs)]);
      await this.#signalThere(group, "KILL");
    }
    this.#client?.abort();
  }

  async #signalThere(group: number, signal: "TERM" | "KILL"): Promise<void> {
    const { call, session, asked } = this.#start;
    const kill = `kill -${signal} -${group} 2>/dev/null || kill -${signal} ${group} 2>/dev/null`;
    const line = asked.sudo === true ? `sudo -n /bin/sh -c '${kill}' || ${kill}` : kill;
    const program = new RunningProgram({
      words: sshWords(call, session, line),
      environment: call.environment,
      onOutput: () => undefined,
      onErrorOutput: () => undefined,
    });
    const timer = setTimeout(() => program.abort(), graceMs);
    await program.ended.catch(() => undefined);
    clearTimeout(timer);
  }
}

/** For what is still on its way when a program has ended. */
const lingerMs = 1_000;

function startOf({ words, asked }: FarStart) {
  const { sudo, directory, environment } = asked;
  return { words, sudo, directory, environment };
}

/**
 * Through the connection that is there, or not at all: by itself, ssh would make another one beside it, and
 * nobody would count it.
 */
function sshWords(
  { options, host }: SshCall,
  { socket }: Session,
  line: string,
): readonly [string, ...string[]] {
  const coded = loginLine(line);
  if (coded.length > lineBytesMax) {
    const message = `a command for ${host} is ${coded.length} bytes long, and ssh takes ${lineBytesMax}`;
    throw new PropagitError("TASK_FAILED", message, { hint: "give it as `input`, or in a file" });
  }
  const own = [...commonWords(socket), "-o", "ControlMaster=no", "-o", "ProxyCommand=exit 255"];
  return ["ssh", ...own, ...options, "--", host, coded];
}
