/**
 * How a process asks another one that carries a plan out: by a file in the run's folder, answered by another.
 *
 *     plans pause ID                               apply PLAN
 *       asks/<n>.ask   { ask, by }      ------->     looked for each 200 ms
 *       asks/<n>.answer { ok } | error  <-------     done by its engine, on disk
 *
 * Whoever asks looks meanwhile whether the other is still there.
 */
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunAsk } from "@propagit/plan";
import { parseJson, PropagitError, toPropagitError, type ErrorData } from "@propagit/protocol";
import { makeFolder, namesIn, nodeClock, nodeDisk, sleep } from "@propagit/runtime";

const everyMs = 200;
const answerMsMax = 30_000;
const askBytesMax = 4_096;
/** Looked at in one go. */
const asksMax = 20;

const kinds = new Set<string>(["pause", "resume", "stop", "skip-wait", "approve", "retry"]);

interface Ask {
  readonly ask: RunAsk;
  readonly by: string;
}

type Answer = { readonly ok: true } | { readonly error: ErrorData };

/** Answers what is asked of a run until it is stopped. */
export class AskDesk {
  readonly #folder: string;
  readonly #answer: (ask: RunAsk, by: string) => Promise<void>;
  readonly #known = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #turn: Promise<void> = Promise.resolve();

  constructor(runFolder: string, answer: (ask: RunAsk, by: string) => Promise<void>) {
    this.#folder = join(runFolder, "asks");
    this.#answer = answer;
    this.#timer = setInterval(() => {
      this.#turn = this.#turn.then(() => this.#look());
    }, everyMs);
  }

  /** What was asked before is answered yet. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn;
  }

  async #look(): Promise<void> {
    const names = await namesIn(this.#folder).catch((): readonly string[] => []);
    const asks = names.filter((name) => name.endsWith(".ask") && !this.#known.has(name));
    for (const name of asks.slice(0, asksMax)) {
      this.#known.add(name);
      const answer = await this.#answered(join(this.#folder, name));
      const path = join(this.#folder, name.replace(/\.ask$/, ".answer"));
      // Who asked may be gone; what was asked is done all the same.
      await nodeDisk
        .writeAtomic(path, JSON.stringify(answer), { mode: 0o600 })
        .catch(() => undefined);
    }
  }

  async #answered(path: string): Promise<Answer> {
    try {
      const asked = parseAsk(await readFile(path));
      await this.#answer(asked.ask, asked.by);
      return { ok: true };
    } catch (thrown) {
      return { error: toPropagitError(thrown).toData() };
    }
  }
}

/** @throws NOT_NOW and others, as the other process says; TIMED_OUT, NOT_NOW when that is gone */
export async function askProcess(
  runFolder: string,
  ask: Ask,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const folder = join(runFolder, "asks");
  await makeFolder(folder, 0o700);
  const path = join(folder, randomBytes(8).toString("hex"));
  await nodeDisk.writeAtomic(`${path}.ask`, JSON.stringify(ask), { mode: 0o600 });
  try {
    await answered(path, isThere);
  } finally {
    for (const ending of [".ask", ".answer"]) await rm(path + ending, { force: true });
  }
}

async function answered(path: string, isThere: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + answerMsMax;
  for (let isLast = false; Date.now() < until;) {
    const text = await readFile(`${path}.answer`, "utf8").catch(() => undefined);
    const answer = text === undefined ? undefined : (parseJson(text) as Answer | undefined);
    if (answer && "error" in answer) throw PropagitError.fromData(answer.error);
    if (answer) return;
    if (isLast)
      throw new PropagitError("NOT_NOW", "the process that carried it out has ended meanwhile");
    isLast = !(await isThere());
    await sleep(nodeClock, everyMs / 2);
  }
  throw new PropagitError("TIMED_OUT", "the process that carries it out does not answer");
}

/** Whoever can write there is the same user; a mistake is a mistake all the same. */
function parseAsk(bytes: Buffer): Ask {
  const value = bytes.length > askBytesMax ? undefined : parseJson(bytes.toString("utf8"));
  const { ask, by } = (value ?? {}) as {
    readonly ask?: { readonly kind?: unknown };
    readonly by?: unknown;
  };
  if (typeof ask?.kind === "string" && kinds.has(ask.kind) && typeof by === "string") {
    return { ask: ask as RunAsk, by };
  }
  throw new PropagitError("BAD_USAGE", "what is asked of a plan cannot be understood");
}
