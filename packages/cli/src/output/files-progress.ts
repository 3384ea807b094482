/**
 * A push of files on a terminal, drawn in place until it is over; drones that have ended scroll above it.
 *
 *     web-1  done  12 added, 988 unchanged, 48 KiB written
 *     ████████████░░░░░░░░░░░░  52 %  1 ended, 2 writing, 1 fetching
 */
import type { FilesProgress } from "@propagit/protocol";
import { formatBar, wholePercent } from "./bar.js";
import { LiveArea, type Screen } from "./live-area.js";
import { cutTo, widthOf } from "./text-width.js";

const drawMs = 100;
const barColumnsMax = 40;
const barColumnsMin = 10;
const gap = "  ";

/** The nearest to the end first. */
const phases = ["placing", "writing", "comparing", "fetching", "waiting"] as const;

/** One line of all drones; how much of a phase that counts files is done is the bar. */
export function formatFilesProgress(
  drones: Iterable<FilesProgress>,
  ended: number,
  columns: number,
): string {
  const all = [...drones];
  const counts = phases.map((phase) => ({
    phase,
    count: all.filter((one) => one.phase === phase).length,
  }));
  const under = counts
    .filter(({ count }) => count > 0)
    .map(({ phase, count }) => `${count} ${phase}`);
  const words = [...(ended > 0 ? [`${ended} ended`] : []), ...under].join(", ");
  const done = all.reduce((sum, one) => sum + one.done, 0);
  const of = all.reduce((sum, one) => sum + one.of, 0);
  if (of === 0) return cutTo(words, columns);
  const text = `${String(wholePercent(done, of)).padStart(3)} %${gap}${words}`;
  const width = Math.min(barColumnsMax, columns - widthOf(text) - gap.length);
  if (width < barColumnsMin) return cutTo(text.trimStart(), columns);
  return `${formatBar(done, of, width)}${gap}${text}`;
}

export interface FilesView {
  /** What is done here, before drones have anything to do. */
  step(text: string): void;
  progress(drone: string, progress: FilesProgress): void;
  /** A drone has ended, with what is to be said of it. */
  ended(drone: string, text: string): void;
  end(): void;
}

/** Draws on a terminal; anywhere else only what a drone ended with is said. */
export function openFilesView(screen: Screen, isTerminal: boolean): FilesView {
  if (isTerminal) return new LiveView(screen);
  return {
    step: () => undefined,
    progress: () => undefined,
    ended: (_, text) => screen.write(text),
    end: () => undefined,
  };
}

class LiveView implements FilesView {
  readonly #area: LiveArea;
  readonly #drones = new Map<string, FilesProgress>();
  readonly #timer: NodeJS.Timeout;
  readonly #restore = () => this.#area.leave();
  #step = "";
  #ended = 0;

  constructor(screen: Screen) {
    this.#area = new LiveArea(screen);
    this.#timer = setInterval(() => this.#draw(), drawMs);
    process.once("exit", this.#restore);
  }

  step(text: string): void {
    this.#step = text;
    this.#draw();
  }

  progress(drone: string, progress: FilesProgress): void {
    this.#drones.set(drone, progress);
  }

  ended(drone: string, text: string): void {
    this.#drones.delete(drone);
    this.#ended += 1;
    this.#area.say(text);
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    process.off("exit", this.#restore);
    this.#area.close();
  }

  #draw(): void {
    const { columns } = this.#area;
    const isBegun = this.#drones.size + this.#ended > 0;
    const line = isBegun
      ? formatFilesProgress(this.#drones.values(), this.#ended, columns)
      : this.#step;
    this.#area.draw(line === "" ? [] : [line]);
  }
}
