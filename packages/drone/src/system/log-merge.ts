/**
 * Lines of many files as one list by time, in memory that does not depend on how much there is: from the
 * end backwards until as many are found as are wanted, then forwards from the places found.
 */
import { lineOf, type StoredLine } from "../core/log-label.js";
import { textOf } from "../core/log-lines.js";
import { LogFile, type LogPart, type TimedLine } from "./log-file.js";

/** Of the lines of one file, those that are wanted, as they are shown. */
type Choose = (file: LogPart, lines: readonly StoredLine[]) => readonly boolean[];

export interface MergeRequest {
  readonly parts: readonly LogPart[];
  readonly choose: Choose;
  /** In ms since 1970. */
  readonly since: number;
  /** Undefined: all of them. */
  readonly last: number | undefined;
}

/** A mark is made up to this long after the file was written; with room for a busy machine. */
const markDelayMs = 5_000;
const batchLinesMax = 500;
const batchCharsMax = 128 * 1024;

/** In order of time, in batches that fit a frame. */
export async function* mergeLines(request: MergeRequest): AsyncGenerator<readonly StoredLine[]> {
  const { parts, since, last } = request;
  const files = new Map<LogPart, LogFile>();
  try {
    const young = parts.filter(({ mtimeMs }) => mtimeMs + markDelayMs >= since);
    const starts =
      last === undefined
        ? await startsSince(files, young, since)
        : await startsOfLast(files, { ...request, parts: young }, last);
    yield* forwards(files, starts, request.choose);
  } finally {
    for (const file of files.values()) await file.close().catch(() => undefined);
  }
}

/** A file that is read in one direction, with the next line in hand. */
class Cursor {
  readonly part: LogPart;
  #lines: AsyncGenerator<readonly TimedLine[]>;
  readonly #choose: Choose;
  #batch: readonly Chosen[] = [];
  #index = 0;

  constructor(part: LogPart, lines: AsyncGenerator<readonly TimedLine[]>, choose: Choose) {
    this.part = part;
    this.#lines = lines;
    this.#choose = choose;
  }

  get line(): Chosen | undefined {
    return this.#batch[this.#index];
  }

  /** To the next line; false when there is none. */
  async advance(): Promise<boolean> {
    this.#index++;
    while (this.#index >= this.#batch.length) {
      const { value, done } = await this.#lines.next();
      if (done === true) {
        this.#batch = [];
        return false;
      }
      this.#batch = this.#chosen(value);
      this.#index = 0;
    }
    return true;
  }

  #chosen(raw: readonly TimedLine[]): readonly Chosen[] {
    const { label } = this.part;
    const all = raw.map((it) => ({ offset: it.offset, stored: lineOf(label, it.at, textOf(it)) }));
    const fits = this.#choose(
      this.part,
      all.map(({ stored }) => stored),
    );
    return all.filter((_, index) => fits[index]);
  }
}

interface Chosen {
  readonly offset: number;
  readonly stored: StoredLine;
}

/** Where in each file lines begin that may be as young as that. */
async function startsSince(
  files: Map<LogPart, LogFile>,
  parts: readonly LogPart[],
  since: number,
): Promise<ReadonlyMap<LogPart, number>> {
  const starts = new Map<LogPart, number>();
  for (const part of parts) {
    const file = await openInto(files, part);
    if (file) starts.set(part, file.offsetOf(since));
  }
  return starts;
}

/** Where in each file the wanted last lines begin. A file is opened when no younger line is in sight. */
async function startsOfLast(
  files: Map<LogPart, LogFile>,
  { parts, choose, since }: MergeRequest,
  last: number,
): Promise<ReadonlyMap<LogPart, number>> {
  const starts = new Map<LogPart, number>();
  const unopened = [...parts].sort((left, right) => left.mtimeMs - right.mtimeMs);
  const cursors = new Set<Cursor>();
  for (let count = 0; count < last;) {
    const youngest = pick([...cursors], (one, other) => one > other);
    const next = unopened.at(-1);
    const at = youngest?.line?.stored.at ?? -Infinity;
    if (next && next.mtimeMs + markDelayMs >= at) {
      unopened.pop();
      const file = await openInto(files, next);
      const cursor = file && new Cursor(next, file.backward(), choose);
      if (cursor && (await cursor.advance())) cursors.add(cursor);
      continue;
    }
    if (!youngest?.line || at < since) break;
    starts.set(youngest.part, youngest.line.offset);
    count++;
    if (!(await youngest.advance())) cursors.delete(youngest);
  }
  return starts;
}

async function* forwards(
  files: ReadonlyMap<LogPart, LogFile>,
  starts: ReadonlyMap<LogPart, number>,
  choose: Choose,
): AsyncGenerator<readonly StoredLine[]> {
  const cursors = new Set<Cursor>();
  for (const [part, start] of starts) {
    const file = files.get(part);
    const cursor = file && new Cursor(part, file.forward(start), choose);
    if (cursor && (await cursor.advance())) cursors.add(cursor);
  }
  let batch: StoredLine[] = [];
  let chars = 0;
  for (;;) {
    const oldest = pick([...cursors], (one, other) => one < other);
    if (!oldest?.line) break;
    batch.push(oldest.line.stored);
    chars += oldest.line.stored.text.length;
    if (batch.length >= batchLinesMax || chars >= batchCharsMax) {
      yield batch;
      batch = [];
      chars = 0;
    }
    if (!(await oldest.advance())) cursors.delete(oldest);
  }
  if (batch.length > 0) yield batch;
}

/** Of lines of the same time those of one file stay together, the older part of it first. */
function pick(
  cursors: readonly Cursor[],
  isBefore: (one: number | string, other: number | string) => boolean,
): Cursor | undefined {
  let best: Cursor | undefined;
  for (const cursor of cursors) {
    if (!cursor.line) continue;
    if (!best?.line) {
      best = cursor;
      continue;
    }
    const [one, other] = [cursor.line.stored.at, best.line.stored.at];
    const isTie = one === other;
    if (isTie ? isBefore(placeOf(cursor.part), placeOf(best.part)) : isBefore(one, other)) {
      best = cursor;
    }
  }
  return best;
}

function placeOf({ path, suffix }: LogPart): string {
  return `${path} ${suffix === ".1" ? 0 : 1}`;
}

async function openInto(files: Map<LogPart, LogFile>, part: LogPart): Promise<LogFile | undefined> {
  // It may have gone since the folder was read.
  const file = await LogFile.open(part).catch(() => undefined);
  if (file) files.set(part, file);
  return file;
}
