/**
 * Lines of many drones in the order of their time, within bounds.
 *
 *     web-1   10:00:01 a   10:00:04 b             a  10:00:01
 *     web-2   10:00:02 x   10:00:03 y      -->    x  10:00:02     y  10:00:03     b  10:00:04
 *
 * A drone's own lines are never put in another order, even when its clock was set back between them.
 */
import type { LogLine } from "@propagit/protocol";

export interface MergeLimits {
  /** The newest are kept. */
  readonly linesMax: number;
  /** Characters of all lines together; what is over is lost, oldest first. */
  readonly charsMax: number;
}

interface Entry {
  readonly time: number;
  /** When it came, by whatever clock `add` is given. */
  readonly arrivedAt: number;
  readonly line: LogLine;
}

/** Of the other fields of a line, roughly. */
const charsPerLine = 300;
/** Sorting is put off until so many lines are waiting more than are kept. */
const slack = 1_000;
/** Kept when there were too many characters, so that not every line that comes costs a sorting. */
const keptPart = 0.75;

export class LogMerge {
  readonly #limits: MergeLimits;
  readonly #lastTimes = new Map<string, number>();
  #entries: Entry[] = [];
  #chars = 0;
  #lost = 0;
  #lastLost: LogLine | undefined;

  constructor(limits: MergeLimits) {
    this.#limits = limits;
  }

  /** Takes lines of one source, in its order. */
  add(source: string, lines: readonly LogLine[], now = 0): void {
    let time = this.#lastTimes.get(source) ?? 0;
    for (const line of lines) {
      time = Math.max(time, line.at);
      this.#entries.push({ time, arrivedAt: now, line });
      this.#chars += sizeOf(line);
    }
    this.#lastTimes.set(source, time);
    if (this.#entries.length > this.#limits.linesMax + slack) this.#cutLines();
    if (this.#chars > this.#limits.charsMax) this.#cutChars();
  }

  /** All of them, oldest first. */
  takeAll(): readonly LogLine[] {
    this.#cutLines();
    return this.#take(this.#entries.length);
  }

  /** Those that came until then, with all that is older than one of them. */
  takeArrived(until: number): readonly LogLine[] {
    this.#sort();
    return this.#take(1 + this.#entries.findLastIndex(({ arrivedAt }) => arrivedAt <= until));
  }

  /** A line in place of those that were lost since this was last asked; undefined when none was. */
  takeLost(): LogLine | undefined {
    const line = this.#lastLost;
    if (!line) return undefined;
    const lines = this.#lost === 1 ? "one line is" : `${this.#lost} lines are`;
    this.#lost = 0;
    this.#lastLost = undefined;
    return { ...line, text: `[${lines} left out here: more than can be shown at once]` };
  }

  #take(count: number): readonly LogLine[] {
    const taken = this.#entries.splice(0, count).map(({ line }) => line);
    for (const line of taken) this.#chars -= sizeOf(line);
    return taken;
  }

  /** Stable: what is of one time stays in the order it came. */
  #sort(): void {
    this.#entries.sort((left, right) => left.time - right.time);
  }

  #cutLines(): void {
    this.#sort();
    this.#take(this.#entries.length - Math.min(this.#entries.length, this.#limits.linesMax));
  }

  #cutChars(): void {
    this.#sort();
    const chars = this.#limits.charsMax * keptPart;
    let [count, left] = [0, this.#chars];
    for (; left > chars; count++) left -= sizeOf(this.#entries[count]?.line);
    const lost = this.#take(count);
    this.#lost += lost.length;
    this.#lastLost = lost.at(-1) ?? this.#lastLost;
  }
}

function sizeOf(line: LogLine | undefined): number {
  return (line?.text.length ?? 0) + charsPerLine;
}

/** Lines of a part, as the schema has them. */
const linesPerPart = 1_000;
/** Far below a frame's limit, as characters may take several bytes each. */
const charsPerPart = 512 * 1_024;

/** Lines in parts that fit into frames. */
export function partsOf(lines: readonly LogLine[]): readonly LogLine[][] {
  const parts: LogLine[][] = [];
  let [part, chars]: [LogLine[], number] = [[], 0];
  for (const line of lines) {
    const size = sizeOf(line);
    if (part.length === 0 || part.length >= linesPerPart || chars + size > charsPerPart) {
      parts.push((part = []));
      chars = 0;
    }
    part.push(line);
    chars += size;
  }
  return parts;
}
