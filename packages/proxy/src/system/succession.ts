/**
 * A new version of the proxy takes the listening sockets over from the one that runs, and no visitor notices:
 *
 *     runs ──succeed()──> starts the program again ──hello──> saves its table, sends the sockets
 *       ^                              |                                |
 *       `──────────────────────────────┴──── ended, or too late ────────┤
 *                                                                       `──serving──> lets go ──> stem
 *     stem: holds copies of the sockets, passes signals on, and ends as its successor ends
 *
 *     stem ──succeed()──> starts the program again … serving ──> the former successor lets go, finishes
 *                         what it has, and ends
 *
 * Whoever started the first process (systemd, `propagit up`, a shell) keeps watching that one. For a moment
 * both accept from the same kernel queue, so none in it is lost. Letting go: the folder's lock and the hub's
 * line are the successor's now; requests, downloads and websockets under way go on to their end.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { PropagitError } from "@propagit/protocol";
import { nodeClock, within, type Log } from "@propagit/runtime";
import type { ListeningSocket } from "./listening-socket.js";

/** What is to be succeeded: a proxy that runs in this process. */
export interface Succeeded {
  sockets(): readonly ListeningSocket[];
  /** Its table is in its folder as it is now: what the successor begins with. */
  save(): Promise<void>;
  /** Frees the folder and the hub's line at once, and accepts no more. */
  letGo(): Promise<void>;
  /** Ends in order, within seconds. */
  stop(): Promise<void>;
  /** As `stop`, but with more time for what is under way, since nobody waits. */
  finish(): Promise<void>;
}

/** From the process before to its successor, and back. */
export type ToSuccessor =
  | { readonly kind: "socket"; readonly tls: boolean; readonly last: boolean }
  /** Folder and hub are yours. */
  | { readonly kind: "yours" }
  | { readonly kind: "save" }
  | { readonly kind: "let-go" };
export type FromSuccessor =
  | { readonly kind: "hello" }
  | { readonly kind: "copy"; readonly tls: boolean }
  | { readonly kind: "serving" }
  | { readonly kind: "saved" }
  | { readonly kind: "let-go" };

/** Set for a process that is to succeed another one. */
export const succeedsVariable = "PROPAGIT_SUCCEEDS";
/** A program that starts, loads its table and listens; far more than it takes. */
const startMsMax = 60_000;
/** A large table on a slow disk takes a second. */
const saveMsMax = 30_000;
/** Until the folder is free. */
const letGoMsMax = 10_000;

type Holder =
  | { readonly kind: "self"; readonly proxy: Succeeded }
  | { readonly kind: "successor"; readonly child: ChildProcess };

export class Succession {
  readonly #log: Log;
  #holder: Holder;
  /** Of the first successor; kept for the ones after it. */
  #copies: readonly ListeningSocket[] = [];
  #succeeding: Promise<void> | undefined;
  #end: (reason: PropagitError | undefined) => void = () => undefined;
  /** Resolves when its successor ends, with the reason when that is an error. */
  readonly ended = new Promise<PropagitError | undefined>((resolve) => {
    this.#end = resolve;
  });

  constructor(proxy: Succeeded, log: Log) {
    this.#holder = { kind: "self", proxy };
    this.#log = log;
  }

  /** Starts the program again and hands over to it. Never throws: when it fails, all is as before. */
  succeed(): Promise<void> {
    this.#succeeding ??= this.#succeed()
      .catch((thrown: unknown) => {
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        this.#log.warn(`no successor: ${reason}; this proxy serves on as it is`);
      })
      .finally(() => {
        this.#succeeding = undefined;
      });
    return this.#succeeding;
  }

  /** Ends in order, whoever serves now. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.#succeeding;
    const holder = this.#holder;
    if (holder.kind === "self") return holder.proxy.stop();
    holder.child.kill(signal);
    await this.ended;
  }

  async #succeed(): Promise<void> {
    this.#log.info("starts its successor");
    const child = startAgain();
    const talk = new Talk(child);
    try {
      await talk.until("hello", startMsMax);
      await save(this.#holder);
      await this.#giveSockets(talk);
      await talk.until("serving", startMsMax);
    } catch (thrown) {
      child.kill("SIGKILL");
      throw thrown;
    }
    const before = this.#holder;
    this.#holder = { kind: "successor", child };
    this.#watch(child);
    await letGo(before).catch((thrown: unknown) => {
      this.#log.warn(`the folder was not let go of in order: ${String(thrown)}`);
    });
    talk.say({ kind: "yours" });
    this.#log.info(`process ${child.pid ?? 0} has taken over; what is under way here goes on`);
    // What the former one still has under way ends in its own time.
    if (before.kind === "self") void before.proxy.finish().catch(() => undefined);
  }

  async #giveSockets(talk: Talk): Promise<void> {
    const given =
      this.#copies.length > 0
        ? this.#copies
        : this.#holder.kind === "self"
          ? this.#holder.proxy.sockets()
          : [];
    if (given.length === 0) throw new PropagitError("INTERNAL", "there is no socket to hand over");
    const copies: ListeningSocket[] = [];
    for (const [index, { tls, handle }] of given.entries()) {
      talk.say({ kind: "socket", tls, last: index === given.length - 1 }, handle);
      copies.push(await talk.copy(startMsMax));
    }
    if (this.#copies.length === 0) this.#copies = copies;
  }

  #watch(child: ChildProcess): void {
    child.once("exit", (code, signal) => {
      if (this.#holder.kind !== "successor" || this.#holder.child !== child) return;
      const how = signal === null ? `exit code ${code ?? 0}` : signal;
      this.#end(
        code === 0
          ? undefined
          : new PropagitError("INTERNAL", `the proxy that took over ended with ${how}`),
      );
    });
  }
}

/** The very program and arguments of this process, as they are on disk now. */
function startAgain(): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, [succeedsVariable]: "1" },
    // Signals of a terminal reach both; here they are passed on by the first.
    detached: true,
  });
}

async function save(holder: Holder): Promise<void> {
  if (holder.kind === "self") {
    await within(nodeClock, saveMsMax, "the table to be saved", holder.proxy.save());
    return;
  }
  const talk = new Talk(holder.child);
  talk.say({ kind: "save" });
  await talk.until("saved", saveMsMax);
}

async function letGo(before: Holder): Promise<void> {
  if (before.kind === "self") {
    await within(nodeClock, letGoMsMax, "this proxy to let go", before.proxy.letGo());
    return;
  }
  const talk = new Talk(before.child);
  talk.say({ kind: "let-go" });
  await talk.until("let-go", letGoMsMax);
}

/** What is said to a successor, and waited for. */
class Talk {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  say(message: ToSuccessor, handle?: object): void {
    // What cannot be sent is told by the end of the process, which is waited for.
    this.#child.send(message, handle as never, {}, () => undefined);
  }

  async until(kind: FromSuccessor["kind"], ms: number): Promise<void> {
    await this.#heard(ms, `its successor to say ${kind}`, (message) =>
      message.kind === kind ? true : undefined,
    );
  }

  copy(ms: number): Promise<ListeningSocket> {
    return this.#heard(ms, "its successor to give a socket back", (message, handle) =>
      message.kind === "copy" && handle ? { tls: message.tls, handle } : undefined,
    );
  }

  #heard<T>(
    ms: number,
    what: string,
    pick: (message: FromSuccessor, handle: object | undefined) => T | undefined,
  ): Promise<T> {
    const child = this.#child;
    let forget = () => undefined as void;
    const heard = new Promise<T>((resolve, reject) => {
      const take = (message: unknown, handle: unknown) => {
        const picked = pick(message as FromSuccessor, handle as object | undefined);
        if (picked !== undefined) resolve(picked);
      };
      const over = (code: number | null, signal: NodeJS.Signals | null) =>
        reject(
          new PropagitError("INTERNAL", `it ended with ${signal ?? `exit code ${code ?? 0}`}`),
        );
      child.on("message", take).once("error", reject).once("exit", over);
      forget = () => {
        child.off("message", take).off("error", reject).off("exit", over);
      };
    });
    return within(nodeClock, ms, what, heard).finally(() => forget());
  }
}
