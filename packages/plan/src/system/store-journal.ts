/**
 * Runs in a store, beside whatever else it keeps:
 *
 *     plan-runs/<id>         { name, pieces }    written last: a run is there, or is not
 *     plan-text/<id>/<n>     the plan as JSON, cut into pieces that a store takes
 *     plan-events/<id>/<n>   events of a batch, a line of JSON each
 *     plan-ends/<id>         what became of a run that is over
 *
 * Lines are kept as one text and not as values, since a store looks at each part of a value.
 */
import { parseJson, PropagitError } from "@propagit/protocol";
import { storeLimits, type Entry, type Store, type Write } from "@propagit/store";
import type { RunSummary } from "../core/run-status.js";
import type { Plan } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import type { Journal, RunHead } from "../world.js";
import { Turns } from "./turns.js";

/** A character of JSON is at most three bytes when that is JSON once more; the rest is room for quotes. */
const rowChars = Math.floor(storeLimits.valueBytes / 3) - 16;
/** So that a transaction with them stays within its bytes. */
const rowsPerWrite = Math.floor(storeLimits.transactionBytes / storeLimits.valueBytes) - 1;
/** Of a number in a key, so that keys are in the order of numbers: enough for ever. */
const digits = 10;

interface HeadRow {
  readonly name: string;
  readonly pieces: number;
}

/**
 * @param store stays the caller's: `close` does not close it
 * @param prefix of its keys, for whoever keeps other runs beside those of its own engine
 */
export function storeJournal(store: Store, prefix = "plan"): Journal {
  return new StoreJournal(store, prefix);
}

class StoreJournal implements Journal {
  readonly #store: Store;
  /** Rows of events so far, of runs that were asked about. */
  readonly #rows = new Map<string, number>();
  readonly #turns = new Turns();
  readonly #prefix: string;

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  async create(run: string, plan: Plan): Promise<void> {
    if (await this.#store.get(this.#headKey(run))) throw exists(run);
    // Of a former run of this id that was removed by half.
    const { entries } = await this.#store.list(`${this.#prefix}-events/${run}/`);
    await this.#writeAll(entries.map(({ key }) => ({ kind: "delete", key })));
    const pieces = piecesOf(JSON.stringify(plan));
    const head: HeadRow = { name: plan.name, pieces: pieces.length };
    const writes = pieces.map((piece, at) => put(this.#textKey(run, at), piece));
    const last = writes.splice(Math.floor((writes.length - 1) / rowsPerWrite) * rowsPerWrite);
    await this.#writeAll(writes);
    const outcome = await this.#store.transact({
      checks: [{ key: this.#headKey(run), revision: 0 }],
      writes: [...last, put(this.#headKey(run), head)],
    });
    if (!outcome.ok) throw exists(run);
    this.#rows.set(run, 0);
  }

  append(run: string, events: readonly RunEvent[]): Promise<void> {
    return this.#turns.take(run, () => this.#append(run, events));
  }

  async read(run: string): Promise<{ readonly plan: Plan; readonly events: readonly RunEvent[] }> {
    const { pieces } = await this.#head(run);
    const texts = (await this.#store.list(`${this.#prefix}-text/${run}/`)).entries;
    const text = texts.slice(0, pieces).map(textOf).join("");
    const plan = parseJson(text) as Plan | undefined;
    if (plan === undefined) throw damaged(run, "its plan is not whole");
    const { entries } = await this.#store.list(`${this.#prefix}-events/${run}/`);
    return { plan, events: entries.flatMap((entry) => eventsOf(run, entry)) };
  }

  async list(): Promise<readonly RunHead[]> {
    const ends = (await this.#store.list(`${this.#prefix}-ends/`)).entries;
    const runs = (await this.#store.list(`${this.#prefix}-runs/`)).entries;
    const concluded = new Map(ends.map(({ key, value }) => [idOf(key), value as unknown]));
    return [...runs]
      .sort((left, right) => right.revision - left.revision)
      .map(({ key }) => {
        const summary = concluded.get(idOf(key)) as RunSummary | undefined;
        return summary === undefined ? { run: idOf(key) } : { run: idOf(key), summary };
      });
  }

  async conclude(run: string, summary: RunSummary | undefined): Promise<void> {
    await this.#head(run);
    const key = `${this.#prefix}-ends/${run}`;
    const write: Write = summary === undefined ? { kind: "delete", key } : put(key, summary);
    await this.#store.transact({ writes: [write] });
  }

  /** A store has one process at a time. */
  async take(run: string): Promise<boolean> {
    await this.#head(run);
    return true;
  }

  async release(run: string): Promise<void> {
    this.#rows.delete(run);
  }

  async remove(run: string): Promise<void> {
    this.#rows.delete(run);
    const lists = [`${this.#prefix}-text/${run}/`, `${this.#prefix}-events/${run}/`].map(
      (prefix) => {
        return this.#store.list(prefix);
      },
    );
    const keys = (await Promise.all(lists)).flatMap(({ entries }) => entries.map(({ key }) => key));
    // The head goes first: what is left of a run without one is no run.
    const all = [this.#headKey(run), `${this.#prefix}-ends/${run}`, ...keys];
    await this.#writeAll(all.map((key) => ({ kind: "delete", key })));
  }

  async close(): Promise<void> {
    this.#rows.clear();
  }

  async #append(run: string, events: readonly RunEvent[]): Promise<void> {
    const first = this.#rows.get(run) ?? (await this.#countRows(run));
    const rows = rowsOf(events);
    // Written again after a failure, they are at the same place, so they are there once whatever happened.
    await this.#store.transact({
      writes: rows.map((row, at) => put(this.#eventsKey(run, first + at), row)),
    });
    this.#rows.set(run, first + rows.length);
  }

  async #head(run: string): Promise<HeadRow> {
    const entry = await this.#store.get(this.#headKey(run));
    if (!entry) throw new PropagitError("NO_PLAN", `there is no plan ${run}`);
    return entry.value as unknown as HeadRow;
  }

  async #countRows(run: string): Promise<number> {
    await this.#head(run);
    return (await this.#store.list(`${this.#prefix}-events/${run}/`)).entries.length;
  }

  #headKey(run: string): string {
    return `${this.#prefix}-runs/${run}`;
  }

  #textKey(run: string, at: number): string {
    return `${this.#prefix}-text/${run}/${String(at).padStart(digits, "0")}`;
  }

  #eventsKey(run: string, at: number): string {
    return `${this.#prefix}-events/${run}/${String(at).padStart(digits, "0")}`;
  }

  /** Not as one step. */
  async #writeAll(writes: readonly Write[]): Promise<void> {
    for (let first = 0; first < writes.length; first += rowsPerWrite) {
      await this.#store.transact({ writes: writes.slice(first, first + rowsPerWrite) });
    }
  }
}

function rowsOf(events: readonly RunEvent[]): readonly string[] {
  const rows: string[] = [];
  let row = "";
  for (const event of events) {
    const line = JSON.stringify(event);
    if (row !== "" && row.length + line.length >= rowChars) {
      rows.push(row);
      row = "";
    }
    row += row === "" ? line : `\n${line}`;
  }
  return row === "" ? rows : [...rows, row];
}

function eventsOf(run: string, entry: Entry): readonly RunEvent[] {
  return textOf(entry)
    .split("\n")
    .map((line) => {
      const event = parseJson(line) as RunEvent | undefined;
      if (event === undefined) throw damaged(run, `${entry.key} is not readable`);
      return event;
    });
}

/** Pieces end at whole characters: half of one is no text to a store. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let first = 0; first < text.length;) {
    let end = Math.min(first + rowChars, text.length);
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end -= 1;
    pieces.push(text.slice(first, end));
    first = end;
  }
  return pieces;
}

function put(key: string, value: unknown): Write {
  return { kind: "put", key, value: value as Entry["value"] };
}

function textOf({ value }: Entry): string {
  return typeof value === "string" ? value : "";
}

function idOf(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}

function exists(run: string): PropagitError {
  return new PropagitError("EXISTS", `there is a plan ${run} already`);
}

function damaged(run: string, why: string): PropagitError {
  return new PropagitError("DATA_UNUSABLE", `the journal of plan ${run} is damaged: ${why}`);
}
