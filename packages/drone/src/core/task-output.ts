/**
 * What a task says, on its way to the hub: line by line, and bounded twice. Whoever listens is told at most
 * so much per second; whoever comes later gets the beginning and the end. What is left out is said.
 */
import { plainText } from "./last-lines.js";

export interface TaskLine {
  /** In ms since 1970. */
  readonly at: number;
  readonly text: string;
}

/** Longest line that travels. */
const lineCharsMax = 8_192;
/** Told at once, and then per second: a person reads less, a hub with many listeners carries it. A guess. */
const burstChars = 256 * 1024;
const charsPerSecond = 64 * 1024;
/** Kept for later: causes stand at the beginning, what became of them at the end. Guesses. */
const headCharsMax = 64 * 1024;
const tailCharsMax = 128 * 1024;
/** As the protocol bounds a result. */
const lastLinesMax = 50;
const lastLineCharsMax = 500;
/** Of what was left out, told when it ended. */
const missedLinesMax = 20;

export class TaskOutput {
  readonly #head: TaskLine[] = [];
  #headChars = 0;
  #tail: TaskLine[] = [];
  #tailChars = 0;
  /** Between head and tail. */
  #cutLines = 0;
  /** A line whose end has not come. */
  #rest = "";
  #allowance = burstChars;
  #countedAt: number | undefined;
  /** Lines that listeners were not told. */
  #missed = 0;
  #lastMissed: TaskLine[] = [];

  /** Takes output; gives what listeners are told now. */
  feed(text: string, leftOutBytes: number, at: number): readonly TaskLine[] {
    this.#refill(at);
    const told: TaskLine[] = [];
    if (leftOutBytes > 0) {
      // The rest of that line is among what was left out.
      if (this.#rest !== "") this.#take({ at, text: fit(this.#rest) }, told);
      this.#rest = "";
      this.#take({ at, text: leftOut(leftOutBytes) }, told);
    }
    const pieces = (this.#rest + text).split("\n");
    this.#rest = pieces.pop() ?? "";
    // A line without an end must not grow for ever.
    while (this.#rest.length > lineCharsMax) {
      pieces.push(this.#rest.slice(0, lineCharsMax));
      this.#rest = this.#rest.slice(lineCharsMax);
    }
    for (const piece of pieces) this.#take({ at, text: fit(piece) }, told);
    return told;
  }

  /** Nothing more comes. */
  end(at: number): readonly TaskLine[] {
    const told: TaskLine[] = [];
    if (this.#rest !== "") this.#take({ at, text: fit(this.#rest) }, told);
    this.#rest = "";
    const shown = this.#lastMissed;
    const hidden = this.#missed - shown.length;
    this.#missed = 0;
    this.#lastMissed = [];
    return [...told, ...(hidden > 0 ? [{ at, text: leftOutLines(hidden) }] : []), ...shown];
  }

  /** For whoever comes later. */
  kept(): readonly TaskLine[] {
    const at = this.#tail[0]?.at ?? 0;
    const cut = this.#cutLines > 0 ? [{ at, text: leftOutLines(this.#cutLines) }] : [];
    return [...this.#head, ...cut, ...this.#tail];
  }

  lastLines(): string[] {
    return [...this.#head, ...this.#tail]
      .map(({ text }) => text.slice(0, lastLineCharsMax))
      .filter((text) => text.trim() !== "")
      .slice(-lastLinesMax);
  }

  #take(line: TaskLine, told: TaskLine[]): void {
    this.#keep(line);
    const cost = line.text.length + 1;
    if (this.#allowance < cost) {
      this.#missed++;
      this.#lastMissed.push(line);
      if (this.#lastMissed.length > missedLinesMax) this.#lastMissed.shift();
      return;
    }
    this.#allowance -= cost;
    if (this.#missed > 0) told.push({ at: line.at, text: leftOutLines(this.#missed) });
    this.#missed = 0;
    this.#lastMissed = [];
    told.push(line);
  }

  #keep(line: TaskLine): void {
    const chars = line.text.length + 1;
    if (this.#tail.length === 0 && this.#headChars + chars <= headCharsMax) {
      this.#head.push(line);
      this.#headChars += chars;
      return;
    }
    this.#tail.push(line);
    this.#tailChars += chars;
    if (this.#tailChars <= tailCharsMax) return;
    // By half, so that a flood of lines does not move the whole list for each.
    const half = Math.ceil(this.#tail.length / 2);
    const gone = this.#tail.slice(0, half);
    this.#tail = this.#tail.slice(half);
    this.#tailChars -= gone.reduce((sum, { text }) => sum + text.length + 1, 0);
    this.#cutLines += gone.length;
  }

  #refill(at: number): void {
    // The clock may have been set back.
    const passedMs = Math.max(0, at - (this.#countedAt ?? at));
    this.#allowance = Math.min(burstChars, this.#allowance + (passedMs * charsPerSecond) / 1_000);
    this.#countedAt = at;
  }
}

/** A progress bar writes over itself: its last state counts. */
function fit(line: string): string {
  const ended = line.endsWith("\r") ? line.slice(0, -1) : line;
  const shown = ended.slice(ended.lastIndexOf("\r") + 1);
  return plainText(shown).slice(0, lineCharsMax);
}

function leftOutLines(lines: number): string {
  return `… ${lines.toLocaleString("en-US")} ${lines === 1 ? "line" : "lines"} left out …`;
}

function leftOut(bytes: number): string {
  return `… ${Math.ceil(bytes / 2 ** 20).toLocaleString("en-US")} MB left out …`;
}
