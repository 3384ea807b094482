/** Reading one file of output, from an offset on or from its end, in small parts. */
import { open, type FileHandle } from "node:fs/promises";
import type { LogLabel } from "../core/log-label.js";
import { BackwardSplitter, LineSplitter, type RawLine } from "../core/log-lines.js";
import { offsetOf, timeAt, type Mark } from "../core/log-marks.js";
import { readMarks } from "./log-output.js";

/** So small that some hundred files can be read side by side. */
const chunkBytes = 16 * 1024;

export interface LogPart {
  readonly label: LogLabel;
  /** Without `.log`. */
  readonly path: string;
  /** Empty for what is written now, `.1` for the part before. */
  readonly suffix: "" | ".1";
  readonly mtimeMs: number;
  /** Where reading ends, because a follower goes on from there; else where the file ends. */
  readonly end?: number;
}

export interface TimedLine extends RawLine {
  readonly at: number;
}

export class LogFile {
  readonly part: LogPart;
  readonly #file: FileHandle;
  readonly #marks: readonly Mark[];
  /** Of the moment when it was opened; what comes later is not read. */
  readonly size: number;
  readonly #mtimeMs: number;

  private constructor(
    part: LogPart,
    file: FileHandle,
    marks: readonly Mark[],
    stat: { readonly size: number; readonly mtimeMs: number },
  ) {
    this.part = part;
    this.#file = file;
    this.#marks = marks;
    this.size = Math.min(stat.size, part.end ?? Infinity);
    this.#mtimeMs = Math.round(stat.mtimeMs);
  }

  static async open(part: LogPart): Promise<LogFile> {
    const file = await open(`${part.path}.log${part.suffix}`, "r");
    try {
      const stat = await file.stat();
      return new LogFile(part, file, await readMarks(`${part.path}.marks${part.suffix}`), stat);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Where the line begins that has no new line yet: at the end when there is none. */
  async lastLineStart(): Promise<number> {
    const bytes = Math.min(this.size, chunkBytes);
    const buffer = Buffer.alloc(bytes);
    await this.#file.read(buffer, 0, bytes, this.size - bytes);
    const newLine = buffer.lastIndexOf(0x0a);
    return newLine < 0 ? this.size - bytes : this.size - bytes + newLine + 1;
  }

  /** Where lines begin that may be as young as that. */
  offsetOf(since: number): number {
    return Math.min(offsetOf(this.#marks, since), this.size);
  }

  /** From an offset on to what was the end; the last line also without its new line. */
  async *forward(from: number): AsyncGenerator<readonly TimedLine[]> {
    const splitter = new LineSplitter(from);
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const room = Math.min(chunkBytes, this.size - splitter.position);
      const { bytesRead } = await this.#file.read(buffer, 0, room, splitter.position);
      // Also when it was cut meanwhile.
      if (bytesRead === 0) break;
      yield splitter.take(buffer.subarray(0, bytesRead)).map((line) => this.#timed(line));
    }
    const rest = splitter.end();
    if (rest) yield [this.#timed(rest)];
  }

  /** From the end on, last line first. */
  async *backward(): AsyncGenerator<readonly TimedLine[]> {
    const splitter = new BackwardSplitter();
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let end = this.size; end > 0;) {
      const start = Math.max(0, end - chunkBytes);
      const { bytesRead } = await this.#file.read(buffer, 0, end - start, start);
      if (bytesRead < end - start) return;
      // The splitter keeps what it does not give back.
      const chunk = Buffer.from(buffer.subarray(0, bytesRead));
      yield splitter.take(chunk, start).map((line) => this.#timed(line));
      end = start;
    }
    const first = splitter.end();
    if (first) yield [this.#timed(first)];
  }

  #timed(line: RawLine): TimedLine {
    return { ...line, at: timeAt(this.#marks, line.offset, this.#mtimeMs) };
  }
}
