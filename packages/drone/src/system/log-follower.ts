/**
 * New lines of many instances, for one reader. The files are the buffer: a slow reader costs no memory, and
 * misses what is cut away meanwhile, which he is told.
 */
import { open } from "node:fs/promises";
import { lineOf, type LogLabel, type StoredLine } from "../core/log-label.js";
import { LineSplitter, textOf } from "../core/log-lines.js";
import type { InstanceOutput } from "./log-output.js";

const chunkBytes = 64 * 1024;

export interface FollowPlace {
  readonly output: InstanceOutput;
  /** Of the first byte that has not been read. */
  readonly position: number;
}

interface Place {
  output: InstanceOutput;
  position: number;
  /** The last cut that `position` takes account of. */
  cut: number;
  readonly splitter: LineSplitter;
}

export class LogFollower {
  readonly #isWanted: (label: LogLabel) => boolean;
  readonly #places = new Map<string, Place>();
  readonly #grown = new Set<string>();
  #wake: () => void = () => undefined;

  constructor(isWanted: (label: LogLabel) => boolean) {
    this.#isWanted = isWanted;
  }

  get places(): ReadonlyMap<string, FollowPlace> {
    return this.#places;
  }

  async add(output: InstanceOutput, position: number): Promise<void> {
    if (!this.#isWanted(output.label)) return;
    const splitter = new LineSplitter(position);
    this.#places.set(output.path, { output, position, cut: output.lastCut.number, splitter });
  }

  /** An output has grown, or ended. */
  hear(output: InstanceOutput): void {
    const place = this.#places.get(output.path);
    if (place) {
      // Another run of an instance goes on in the same file, and counts its cuts anew.
      if (place.output !== output) place.cut = output.lastCut.number;
      place.output = output;
    } else {
      if (!this.#isWanted(output.label)) return;
      const position = output.startBytes;
      const splitter = new LineSplitter(position);
      this.#places.set(output.path, { output, position, cut: 0, splitter });
    }
    this.#grown.add(output.path);
    this.#wake();
  }

  async follow(
    onLines: (lines: readonly StoredLine[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const stop = () => this.#wake();
    signal.addEventListener("abort", stop, { once: true });
    // What came since the places were taken.
    for (const path of this.#places.keys()) this.#grown.add(path);
    while (!signal.aborted) {
      const paths = [...this.#grown];
      this.#grown.clear();
      await this.#readAll(paths, onLines, signal);
      if (this.#grown.size > 0 || signal.aborted) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    signal.removeEventListener("abort", stop);
  }

  async close(): Promise<void> {
    this.#places.clear();
    this.#grown.clear();
  }

  async #readAll(
    paths: readonly string[],
    onLines: (lines: readonly StoredLine[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    let lines: StoredLine[] = [];
    for (const path of paths) {
      const place = this.#places.get(path);
      if (!place) continue;
      for await (const some of this.#read(place)) {
        if (signal.aborted) return;
        lines.push(...some);
        if (lines.length < 500) continue;
        await onLines(byTime(lines));
        lines = [];
      }
    }
    if (lines.length > 0) await onLines(byTime(lines));
  }

  async *#read(place: Place): AsyncGenerator<readonly StoredLine[]> {
    const { number, droppedBytes } = place.output.lastCut;
    if (number !== place.cut) {
      const isNext = number === place.cut + 1;
      const from = isNext ? place.position - droppedBytes : -1;
      place.cut = number;
      if (from < 0)
        yield [line(place, "… lines are missing: they came faster than they were read")];
      place.position = 0;
      yield* this.#take(place, `${place.output.path}.log.1`, Math.max(0, from));
      place.position = 0;
    }
    yield* this.#take(place, `${place.output.path}.log`, place.position);
    if (place.output.isOpen) return;
    const rest = place.splitter.end();
    if (rest) yield [line(place, textOf(rest))];
  }

  async *#take(place: Place, path: string, from: number): AsyncGenerator<readonly StoredLine[]> {
    const file = await open(path, "r").catch(() => undefined);
    if (!file) return;
    place.position = from;
    try {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, chunkBytes, place.position);
        if (bytesRead === 0) return;
        place.position += bytesRead;
        const lines = place.splitter.take(buffer.subarray(0, bytesRead));
        yield lines.map((it) => line(place, textOf(it)));
      }
    } finally {
      await file.close();
    }
  }
}

function line({ output }: Place, text: string): StoredLine {
  return lineOf(output.label, output.grownAt, text);
}

function byTime(lines: readonly StoredLine[]): StoredLine[] {
  return lines.toSorted((left, right) => left.at - right.at);
}
