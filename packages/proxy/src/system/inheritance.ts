/** The successor's side of succession.ts: what it gets from the proxy before it, and when. */
import { PropagitError } from "@propagit/protocol";
import { nodeClock, within } from "@propagit/runtime";
import type { ListeningSocket } from "./listening-socket.js";
import {
  succeedsVariable,
  type FromSuccessor,
  type Succeeded,
  type ToSuccessor,
} from "./succession.js";

/** Sockets come at once; the folder later. */
export interface Inheritance {
  readonly sockets: readonly ListeningSocket[];
  /** To be called when visitors are served. */
  serving(): void;
  /** Resolves when folder and hub are this process's. @throws TIMED_OUT */
  owned(): Promise<void>;
  /** It cannot serve: nothing keeps this process up any more. */
  giveUp(): void;
}

/** What a successor's own successor, or the end of the first process, asks of it. */
export type Heir = Omit<Succeeded, "sockets">;

const waitMsMax = 60_000;

/** Undefined in a process that succeeds nobody. @throws TIMED_OUT when the one before says nothing */
export async function inherit(env = process.env): Promise<Inheritance | undefined> {
  if (env[succeedsVariable] === undefined || process.send === undefined) return undefined;
  delete env[succeedsVariable];
  const sockets = heard<readonly ListeningSocket[]>(collect());
  const owned = heard<true>((message) => (message.kind === "yours" ? true : undefined));
  say({ kind: "hello" });
  return {
    sockets: await within(nodeClock, waitMsMax, "the sockets of the proxy before", sockets),
    serving: () => say({ kind: "serving" }),
    giveUp: () => process.disconnect?.(),
    owned: async () => {
      await within(nodeClock, waitMsMax, "the proxy before to let go", owned);
    },
  };
}

/** Lets go when it is succeeded in turn, and ends with the process that holds the sockets. */
export function serveAsHeir(heir: Heir): void {
  process.on("message", (message) => {
    const { kind } = message as ToSuccessor;
    if (kind === "save") void heir.save().finally(() => say({ kind: "saved" }));
    if (kind === "let-go") void letGo(heir).finally(() => process.exit(0));
  });
  process.once("disconnect", () => {
    void heir.stop().finally(() => process.exit(0));
  });
}

async function letGo(heir: Heir): Promise<void> {
  await heir.letGo().catch(() => undefined);
  say({ kind: "let-go" });
  await heir.finish();
}

function collect(): (
  message: ToSuccessor,
  handle: unknown,
) => readonly ListeningSocket[] | undefined {
  const sockets: ListeningSocket[] = [];
  return (message, handle) => {
    if (message.kind !== "socket") return undefined;
    if (!handle) throw new PropagitError("INTERNAL", "a listening socket was lost on its way");
    const { tls, last } = message;
    sockets.push({ tls, handle });
    // The one before closes its own: what it sends to the successor after this one is this copy.
    say({ kind: "copy", tls }, handle);
    return last ? sockets : undefined;
  };
}

function heard<T>(pick: (message: ToSuccessor, handle: unknown) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const take = (message: unknown, handle: unknown) => {
      try {
        const picked = pick(message as ToSuccessor, handle);
        if (picked === undefined) return;
        process.off("message", take);
        resolve(picked);
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    };
    process.on("message", take);
  });
}

function say(message: FromSuccessor, handle?: object): void {
  process.send?.(message, handle as never, {}, () => undefined);
}
