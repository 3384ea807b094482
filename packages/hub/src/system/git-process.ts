/**
 * One `git receive-pack` or `upload-pack` that serves one request.
 *
 * It is ended when the client goes, when nothing moves for too long, and at the latest when its time is up; as a process
 * group, since git starts helpers of its own.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, withStreams } from "@propagit/runtime";
import type { GitService } from "../core/git-request.js";
import type { GitSettings } from "./git-command.js";

export interface GitProcessOptions {
  readonly service: GitService;
  readonly folder: string;
  /** Only tell what refs there are. */
  readonly advertise: boolean;
  /** The client's `Git-Protocol`, checked. */
  readonly protocol: string | undefined;
  /** Whether refs of builds are shown and may be made, as drones do. */
  readonly builds: boolean;
  /** Whether what the hub keeps is shown, so that it need not be sent again. */
  readonly kept?: boolean;
}

/** Nothing in or out for this long, and the other side is taken for gone; git itself says something every 5 s. */
const idleMsMax = 5 * 60_000;
/** The longest request: a terabyte at full speed of a good disk. */
const totalMsMax = 6 * 60 * 60_000;
/**
 * Between the end of its input and SIGTERM, and from there to SIGKILL. When its input ends too early,
 * receive-pack removes what it had received; at a signal it would leave that lying about.
 */
const patienceMs = 3_000;
const stderrCharsMax = 4_096;

export class GitProcess {
  readonly input: Writable;
  readonly output: Readable;
  /** To the hooks of a push; undefined for fetches. */
  readonly hooks: Duplex | undefined;
  /** Resolves with the exit code when it has ended and said everything; 128 when it was killed. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #watchdog: NodeJS.Timeout;
  readonly #limit: NodeJS.Timeout;
  #killTimer: NodeJS.Timeout | undefined;
  readonly #isPush: boolean;
  #isEnded = false;
  #stderr = "";

  constructor(settings: GitSettings, options: GitProcessOptions) {
    const { service, folder, advertise, protocol, builds, kept } = options;
    this.#isPush = service === "git-receive-pack";
    const args = [service.slice("git-".length), "--stateless-rpc"];
    if (kept) args.unshift("-c", "receive.hideRefs=!refs/propagit/deployed");
    if (builds) args.unshift("-c", "receive.hideRefs=!refs/propagit/builds");
    // The older name of --http-backend-info-refs, which every version knows.
    if (advertise) args.push("--advertise-refs");
    this.#child = withStreams(
      spawn("git", [...args, folder], {
        env: { ...settings.env, ...(protocol !== undefined && { GIT_PROTOCOL: protocol }) },
        cwd: "/",
        // The last one for the hooks, which git starts with the descriptors that it has itself.
        stdio: ["pipe", "pipe", "pipe", ...(this.#isPush ? (["pipe"] as const) : [])],
        detached: true,
      }) as ChildProcessByStdio<Writable, Readable, Readable>,
    );
    this.hooks = this.#isPush ? (this.#child.stdio[3] as Duplex) : undefined;
    this.input = this.#child.stdin;
    this.output = this.#child.stdout;
    this.#watchdog = setTimeout(() => this.kill(), idleMsMax);
    this.#limit = setTimeout(() => this.kill(), totalMsMax);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (this.#stderr.length < stderrCharsMax) this.#stderr += text;
    });
    // It may end before it has read everything: its exit code tells.
    this.input.on("error", () => undefined);
    this.ended = this.#end();
  }

  /** The first thing git complained about, for the log. */
  get complaint(): string {
    return this.#stderr.trim().slice(0, stderrCharsMax);
  }

  /** Something moved. */
  touch(): void {
    this.#watchdog.refresh();
  }

  /** Makes it end; a push in a way that lets it clean up. */
  kill(): void {
    if (this.#killTimer || this.#isEnded) return;
    this.input.destroy();
    if (this.#isPush) this.#killTimer = setTimeout(() => this.#terminate(), patienceMs);
    else this.#terminate();
  }

  #terminate(): void {
    this.#signal("SIGTERM");
    this.#killTimer = setTimeout(() => this.#signal("SIGKILL"), patienceMs);
  }

  async #end(): Promise<number> {
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#child.once("close", (exitCode) => resolve(exitCode ?? 128));
        this.#child.once("error", (error) => {
          reject(
            new PropagitError("NO_GIT", `git cannot be run: ${errnoOf(error) ?? error.message}`),
          );
        });
      });
    } finally {
      this.#isEnded = true;
      for (const timer of [this.#watchdog, this.#limit, this.#killTimer]) clearTimeout(timer);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    // Also when git itself has ended: a helper that holds its output open is still of the group.
    if (pid === undefined || this.#isEnded) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended this very moment.
    }
  }
}
