/** The machine that this process is on, as commands see it. */
import { spawn } from "node:child_process";
import type { ExecuteOptions, Executed, Host, HostMessage, HostRequest } from "../command.js";
import { OutputLines } from "../core/output-lines.js";
import { programLine } from "../core/shell-words.js";
import { endedEarly, refuseWords, refuseSudo } from "./execute-failure.js";
import { requestFromHere, sendFromHere } from "./from-here.js";
import { existsAt, putFile, type RunOptions } from "./put-file.js";
import { RunningProgram } from "./run-program.js";

export interface LocalHostOptions {
  /** For messages and for the balancer: the drone's name, on a drone. Default `this machine`. */
  readonly name?: string;
  /** What programs find in their environment. Default `plainEnvironment`. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Nothing else of this process's environment is a program's business; some of it is secret. */
const inherited =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR|SSH_AUTH_SOCK)$/;

/** Of this process's environment what every program may know. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => inherited.test(name)));
}

export function localHost(options: LocalHostOptions = {}): Host {
  const { name = "this machine", environment = plainEnvironment() } = options;
  const run = (words: readonly string[], asked: RunOptions = {}) =>
    runHere(words, asked, { name, environment });
  return {
    name,
    execute: (words, asked: ExecuteOptions = {}) => run(words, asked),
    put: (content, path, put = {}) => putFile(run, content, { host: name, path, options: put }),
    exists: (path) => existsAt(run, path),
    request: (request: HostRequest) => requestFromHere(request),
    send: (message: HostMessage) => sendFromHere(message),
  };
}

async function runHere(
  words: readonly string[],
  asked: RunOptions,
  { name, environment }: Required<LocalHostOptions>,
): Promise<Executed> {
  const { sudo, directory, environment: settings, input, signal, onOutput } = asked;
  refuseWords(words);
  const tell = (line: string) => onOutput?.(line);
  const output = new OutputLines(tell);
  const errorOutput = new OutputLines(tell);
  const line = programLine({ words, sudo, directory, environment: settings });
  const program = new RunningProgram({
    words: ["/bin/sh", "-c", line],
    environment,
    input,
    signal,
    onOutput: (text) => output.push(text),
    onErrorOutput: (text) => errorOutput.push(text),
    ...(sudo === true && { signalGroup: signalAsRoot }),
  });
  const { code, aborted } = await program.ended;
  output.end();
  errorOutput.end();
  if (aborted) throw endedEarly(name, words);
  const executed = { code, output: output.text, errorOutput: errorOutput.text };
  if (sudo === true) refuseSudo(name, executed);
  return executed;
}

function signalAsRoot(group: number, signal: "SIGTERM" | "SIGKILL"): void {
  const words = ["-n", "kill", `-${signal.slice(3)}`, "--", `-${group}`];
  spawn("sudo", words, { stdio: "ignore" }).on("error", () => undefined);
}
