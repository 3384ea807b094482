/** The other end of `project-process.ts`: a process that runs one command of a project's own, and ends. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { nodeClock } from "@propagit/runtime";
import type { CommandContext, CommandEnd, ExecuteOptions, Host, Means } from "../command.js";
import { toolBox } from "../commands/tool-box.js";
import type { Asked, BeginWords, FromProject, ToProject } from "../core/project-words.js";
import { argsOf } from "../core/task-args.js";
import * as api from "../project-api.js";
import { loadProject } from "./load-project.js";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (thrown: unknown) => void;
  readonly onOutput?: ((line: string) => void) | undefined;
}

const abort = new AbortController();
const waiting = new Map<number, Waiting>();
let lastId = 0;

function tell(words: FromProject): void {
  // Who started it may be gone; then this process is about to end, too.
  process.send?.(words, undefined, undefined, () => undefined);
}

process.on("message", (words: ToProject) => {
  switch (words.kind) {
    case "begin":
      void perform(words);
      return;
    case "answer":
      take(words.id)?.resolve(words.value);
      return;
    case "refusal":
      take(words.id)?.reject(PropagitError.fromData(words.error));
      return;
    case "output":
      waiting.get(words.id)?.onOutput?.(words.line);
      return;
    case "abort":
      abort.abort();
      return;
    default:
      words satisfies never;
  }
});

// With all that it started: nobody is left who would end it.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));

async function perform(begin: BeginWords): Promise<void> {
  try {
    tell({ kind: "ended", end: checkedEnd(await carryOut(begin)) });
  } catch (thrown) {
    tell({ kind: "failed", error: toPropagitError(thrown).toData() });
  }
}

async function carryOut(begin: BeginWords): Promise<CommandEnd> {
  const { folder, command: name, args } = begin;
  const { commands } = await loadProject(folder, {
    ours: toolBox,
    modules: { "propagit/config": api },
  });
  const command = commands.get(name);
  if (!command) {
    throw new PropagitError("BAD_PLAN", `the project's propagit.config has no command ${name}`, {
      hint: "name the commit that has it as `code` of the plan",
    });
  }
  return command.run(argsOf(command, args), contextOf(begin));
}

/** JavaScript may end with anything. */
function checkedEnd(end: CommandEnd): CommandEnd {
  const { outcome, note } = (end ?? {}) as { readonly outcome?: unknown; readonly note?: unknown };
  if (outcome === "done" || outcome === "unchanged") {
    return typeof note === "string" ? { outcome, note } : { outcome };
  }
  throw new PropagitError("TASK_FAILED", "the command ended with neither `done` nor `unchanged`");
}

function contextOf({ host, key, has }: BeginWords): CommandContext {
  return {
    host: hostOf(host),
    means: meansOf(has),
    clock: nodeClock,
    signal: abort.signal,
    key,
    say: (line) => tell({ kind: "say", line }),
  };
}

function hostOf(name: string): Host {
  return {
    name,
    execute: (words, { signal, onOutput, ...options }: ExecuteOptions = {}) =>
      call("execute", [words, options], { signal, onOutput }),
    put: (content, path, { signal, ...options } = {}) =>
      call("put", [content, path, options], { signal }),
    exists: (path) => call("exists", [path]),
    request: ({ signal, ...request }) => call("request", [request], { signal }),
    send: ({ signal, ...message }) => call("send", [message], { signal }),
  };
}

function meansOf(has: BeginWords["has"]): Means {
  return {
    secret: (name) => call("secret", [name]),
    readFile: (path, bytesMax) => call("readFile", [path, bytesMax]),
    ...(has.includes("balancer") && {
      balancer: {
        drain: ({ signal, ...part }) => call("drain", [part], { signal }),
        undrain: ({ signal, ...part }) => call("undrain", [part], { signal }),
      },
    }),
    ...(has.includes("commits") && {
      commits: {
        distribute: ({ signal, ...commit }) => call("distribute", [commit], { signal }),
        checkOut: ({ signal, ...commit }, path) => call("checkOut", [commit, path], { signal }),
      },
    }),
  };
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: ((line: string) => void) | undefined;
}

function call<T>(
  asked: Asked,
  params: readonly unknown[],
  { signal, onOutput }: CallOptions = {},
): Promise<T> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: (value) => resolve(value as T), reject, onOutput });
    tell({ kind: "call", id, asked, params });
    const cancel = () => tell({ kind: "cancel", id });
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}

function take(id: number): Waiting | undefined {
  const one = waiting.get(id);
  waiting.delete(id);
  return one;
}
