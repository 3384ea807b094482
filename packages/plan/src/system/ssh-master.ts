/**
 * One connection to a host, shared by all that is done there: ssh's ControlMaster.
 *
 *     starting -- `ready` comes --> open -- close(), or the connection breaks --> gone
 *         |-- ssh ends before ------------------------------------------------^
 *
 * It runs `cat` at the host, whose input is ours: when this process is gone, however, the connection ends, too.
 */
import { PassThrough } from "node:stream";
import { loginLine } from "../core/shell-words.js";
import { sshRefusal } from "../core/ssh-refusal.js";
import { RunningProgram } from "./run-program.js";

/** Sessions at the same time through one connection; sshd takes 10 unless told otherwise, one is the master's. */
export const sessionsMax = 8;

export interface SshCall {
  /** ssh's own words before the host: which configuration, how long to wait. */
  readonly options: readonly string[];
  readonly host: string;
  readonly environment: NodeJS.ProcessEnv;
}

const readyWord = "propagit-ready";

export class SshMaster {
  readonly socket: string;
  /** Resolves once it takes sessions. @throws HOST_LOST, HOST_DENIED */
  readonly opened: Promise<void>;
  /** Resolves once nothing of it is left. */
  readonly gone: Promise<void>;
  readonly #program: RunningProgram;
  readonly #input = new PassThrough();
  #isGone = false;

  constructor(call: SshCall, socket: string) {
    this.socket = socket;
    const said = { output: "", errors: "" };
    let onReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => {
      onReady = resolve;
    });
    this.#program = new RunningProgram({
      words: masterWords(call, socket),
      environment: call.environment,
      input: this.#input,
      onOutput: (text) => {
        said.output = (said.output + text).slice(-4_096);
        if (said.output.includes(readyWord)) onReady();
      },
      onErrorOutput: (text) => {
        said.errors = (said.errors + text).slice(-16_384);
      },
    });
    const ended = this.#program.ended.then(
      () => sshRefusal(call.host, said.errors),
      (thrown: unknown) => thrown,
    );
    this.gone = this.#follow(ended);
    this.opened = Promise.race([
      ready,
      ended.then((reason) => {
        throw reason;
      }),
    ]);
    this.opened.catch(() => undefined);
  }

  async #follow(ended: Promise<unknown>): Promise<void> {
    await ended;
    this.#isGone = true;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Sessions under way end with it. */
  async close(): Promise<void> {
    this.#input.end();
    this.#program.abort();
    await this.gone;
  }
}

/** What every call of ssh says; the rest is the user's configuration. */
export function commonWords(socket: string): string[] {
  const said = {
    BatchMode: "yes",
    ControlPath: socket,
    ControlPersist: "no",
    ClearAllForwardings: "yes",
    RemoteCommand: "none",
    PermitLocalCommand: "no",
    ForwardX11: "no",
    LogLevel: "ERROR",
    // Within a minute it is known that nobody is there any more.
    ServerAliveInterval: "15",
    ServerAliveCountMax: "3",
  };
  return ["-T", ...Object.entries(said).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}

function masterWords({ options, host }: SshCall, socket: string): readonly [string, ...string[]] {
  const line = `echo ${readyWord}; exec cat >/dev/null`;
  const own = [...commonWords(socket), "-o", "ControlMaster=yes"];
  return ["ssh", ...own, ...options, "--", host, loginLine(line)];
}
