/**
 * The output of one instance, over all its runs, in files that the app writes itself: no pipe that dies
 * with the drone, nothing that the drone must read to keep the app going.
 *
 *     SERVICE.SLOT-PROCESS.log      what is written now
 *     SERVICE.SLOT-PROCESS.marks    when, see core/log-marks.ts
 *     SERVICE.SLOT-PROCESS.json     whose, see core/log-label.ts
 *     SERVICE.SLOT-PROCESS.log.1, .marks.1    the part before
 *
 * A file over its half of the bound is copied to `.1` and begins again at 0, for the app appends; see
 * log-cut.ts.
 */
import {
  appendFile,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseJson } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import { labelOf, parseLabel, type LogLabel } from "../core/log-label.js";
import { encodeMark, parseMarks, runStart, shiftMarks, type Mark } from "../core/log-marks.js";
import { lastLinesOf, tailBytesMax } from "../core/last-lines.js";
import type { InstanceNote } from "../world.js";
import { diskError } from "./disk-error.js";
import { copyAndCut } from "./log-cut.js";
import { GrowthWatch, type Growth } from "./log-watch.js";

export interface OutputParts {
  readonly clock: Clock;
  /** The folder `logs`. */
  readonly folder: string;
  /** Of both files together. */
  readonly bytesMax: number;
  /** Whether somebody wants to see lines at once. */
  readonly isFollowed: () => boolean;
  readonly onGrown: (output: InstanceOutput) => void;
}

/** What a cut did, for those who are reading the file. */
export interface Cut {
  /** Counts them, since the instance's run began or was taken over. */
  readonly number: number;
  /** Bytes of the file that are neither in it nor in `.1`. */
  readonly droppedBytes: number;
}

export class InstanceOutput {
  readonly path: string;
  readonly #parts: OutputParts;
  #label: LogLabel;
  #file: FileHandle | undefined;
  #markedBytes: number;
  #marksBytes = 0;
  #cut: Cut = { number: 0, droppedBytes: 0 };
  #watch: GrowthWatch | undefined;
  #isOpen = true;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #grownAt: number;
  /** Size of the file when it was opened. */
  readonly startBytes: number;

  private constructor(
    parts: OutputParts,
    path: string,
    label: LogLabel,
    file: FileHandle,
    size: number,
  ) {
    this.#parts = parts;
    this.path = path;
    this.#label = label;
    this.#file = file;
    this.#markedBytes = size;
    this.startBytes = size;
    this.#grownAt = parts.clock.now();
  }

  /** @throws DATA_UNUSABLE */
  static async open(
    parts: OutputParts,
    note: InstanceNote,
    how: "begin" | "continue",
  ): Promise<InstanceOutput> {
    const path = join(parts.folder, nameOf(note));
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const before = await readLabel(`${path}.json`);
      const label = labelOf(note, parts.clock.now(), before);
      // A disk that is full must not keep what runs from being taken over.
      if (label.releases !== before?.releases) await writeLabel(path, label);
      const file = await open(`${path}.log`, "a", 0o600);
      const { size, mtimeMs } = await file.stat();
      const output = new InstanceOutput(parts, path, label, file, size);
      await output.#begin(how, size, Math.round(mtimeMs));
      return output;
    } catch (thrown) {
      throw diskError(`${path}.log`, thrown);
    }
  }

  get label(): LogLabel {
    return this.#label;
  }

  /** An instance writes it, or will. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** When it was last seen to have grown, in ms since 1970. */
  get grownAt(): number {
    return this.#grownAt;
  }

  get lastCut(): Cut {
    return this.#cut;
  }

  /** For the process to write to. */
  get descriptor(): number {
    if (!this.#file) throw new Error("cannot happen: the output's descriptor was given back");
    return this.#file.fd;
  }

  /** Gives the drone's own handle back, once the process has its own. */
  async closeDescriptor(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** No more watching; the files stay. */
  stop(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch?.stop();
    void this.closeDescriptor().catch(() => undefined);
    void this.look()
      .catch(() => undefined)
      .then(() => this.#parts.onGrown(this));
  }

  /** Somebody begins to follow: what has waited for a calmer look is looked at now. */
  lookSoon(): void {
    this.#watch?.lookSoon();
  }

  /** Notes what has come, tells about it, and cuts a file that has become too long. */
  look(): Promise<Growth> {
    // One after the other: two that cut at the same time would lose what the first one kept.
    return this.#inTurn(() => this.#look());
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(action);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async #look(): Promise<Growth> {
    const grownBytes = await this.#note();
    if (grownBytes > 0) this.#parts.onGrown(this);
    const partBytesMax = this.#parts.bytesMax / 2;
    if (this.#markedBytes > partBytesMax || this.#marksBytes > partBytesMax / 4) {
      await this.#cutFile(Math.floor(partBytesMax));
    }
    if (grownBytes === 0) return "nothing";
    return grownBytes > partBytesMax / 4 ? "flood" : "some";
  }

  async remember(note: InstanceNote): Promise<void> {
    const label = labelOf(note, this.#parts.clock.now(), this.#label);
    if (label.releases === this.#label.releases) return;
    this.#label = label;
    await writeLabel(this.path, label);
  }

  /** Of the current run of the app. */
  lastLines(): Promise<string[]> {
    // Not while the file is cut: its end is neither here nor there then.
    return this.#inTurn(() => this.#lastLines());
  }

  async #lastLines(): Promise<string[]> {
    const current = await tailOf(this.path, "");
    // The run began before the file was cut.
    const older = current.isWholeRun ? "" : (await tailOf(this.path, ".1")).text;
    return lastLinesOf(older + current.text);
  }

  /** When nothing is being looked at or cut. */
  async settled(): Promise<void> {
    await this.#lastTurn;
  }

  async #begin(how: "begin" | "continue", size: number, mtimeMs: number): Promise<void> {
    const marks = await readMarks(`${this.path}.marks`);
    this.#marksBytes = marks.reduce((bytes, mark) => bytes + encodeMark(mark).length, 0);
    const now = this.#parts.clock.now();
    // Written while no drone watched.
    const isBehind = size > (marks.at(-1)?.offset ?? 0);
    if (isBehind && mtimeMs > 0) await this.#append({ at: mtimeMs, offset: size, isRun: false });
    if (how === "begin") await this.#append({ at: now, offset: size, isRun: true });
    this.#watch = new GrowthWatch(`${this.path}.log`, {
      isFollowed: this.#parts.isFollowed,
      look: () => this.look(),
    });
  }

  /** Notes how far the file has come; by how much. */
  async #note(): Promise<number> {
    const { size } = await stat(`${this.path}.log`);
    const grownBytes = size - this.#markedBytes;
    // Somebody else may have cut it; then it only begins anew.
    if (grownBytes === 0) return 0;
    this.#markedBytes = size;
    this.#grownAt = this.#parts.clock.now();
    await this.#append({ at: this.#grownAt, offset: size, isRun: false });
    return grownBytes;
  }

  /** A mark that cannot be written, as on a full disk, costs no more than a time. */
  async #append(mark: Mark): Promise<void> {
    const text = encodeMark(mark);
    this.#marksBytes += text.length;
    await appendFile(`${this.path}.marks`, text, { mode: 0o600 }).catch(() => undefined);
  }

  async #cutFile(bytesMax: number): Promise<void> {
    const { path } = this;
    const marks = await readMarks(`${path}.marks`);
    const droppedBytes = await copyAndCut(`${path}.log`, bytesMax);
    this.#cut = { number: this.#cut.number + 1, droppedBytes };
    this.#markedBytes = 0;
    this.#marksBytes = 0;
    const older = shiftMarks(marks, droppedBytes).map(encodeMark).join("");
    await writeFile(`${path}.marks.1`, older, { mode: 0o600 }).catch(() => undefined);
    await writeFile(`${path}.marks`, "", { mode: 0o600 });
  }
}

/** The end of what the current run wrote into a file, and whether the run began in it. */
async function tailOf(
  path: string,
  suffix: "" | ".1",
): Promise<{ readonly text: string; readonly isWholeRun: boolean }> {
  const marks = await readMarks(`${path}.marks${suffix}`);
  const isWholeRun = marks.some(({ isRun }) => isRun);
  const file = await open(`${path}.log${suffix}`, "r").catch(() => undefined);
  if (!file) return { text: "", isWholeRun };
  try {
    const { size } = await file.stat();
    const start = Math.max(runStart(marks), size - tailBytesMax);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(tailBytesMax),
      0,
      tailBytesMax,
      start,
    );
    return { text: buffer.toString("utf8", 0, bytesRead), isWholeRun };
  } finally {
    await file.close();
  }
}

function nameOf({ repo, environment, service, slot, process }: InstanceNote): string {
  return join(repo, environment, `${service}.${slot}-${process}`);
}

async function writeLabel(path: string, label: LogLabel): Promise<void> {
  await writeFile(`${path}.json.new`, JSON.stringify(label), { mode: 0o600 });
  await rename(`${path}.json.new`, `${path}.json`);
}

export async function readLabel(path: string): Promise<LogLabel | undefined> {
  return parseLabel(parseJson(await readFile(path, "utf8").catch(() => "")));
}

export async function readMarks(path: string): Promise<readonly Mark[]> {
  return parseMarks(await readFile(path, "utf8").catch(() => ""));
}
