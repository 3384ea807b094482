/**
 * Which line of a stage may go on, within both limits: a window that slides over the lines.
 *
 *     lines with a task that may begin, by host      a place in the stage's window
 *       web-1:  4  9  12                             [x] [x] [x] [ ]   concurrency 4
 *       web-2:  5                                     |
 *       web-3:  7  8   (full: at its own limit)       +-- the lowest line of a host that is not full: 4
 *
 * The lowest number first, so that lines begin in the order of the plan and one that was begun goes on before
 * another begins. A line whose host is full is passed over, not waited for. Every change costs the logarithm
 * of the number of lines.
 */
import { assert } from "@propagit/protocol";
import { Heap } from "./heap.js";

export interface Limits {
  readonly concurrency: number;
  readonly concurrencyPerHost: number;
}

interface HostPlaces {
  readonly name: string;
  running: number;
  /** Lines that were ready at some time; those that no longer are go when they come first. */
  readonly lines: Heap<number>;
}

interface Candidate {
  readonly line: number;
  readonly host: HostPlaces;
}

export class Schedule {
  readonly #limits: Limits;
  #running = 0;
  readonly #hosts = new Map<string, HostPlaces>();
  /** Where the next task of a ready line runs. */
  readonly #readyOn = new Map<number, HostPlaces>();
  /** Of each host that is not full at least its first line; outdated ones go when they come first. */
  readonly #candidates = new Heap<Candidate>((left, right) => left.line < right.line);

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  /** The next task of the line may begin as soon as there is a place for it. */
  add(line: number, hostName: string): void {
    const host = this.#hostOf(hostName);
    this.#readyOn.set(line, host);
    host.lines.add(line);
    if (this.#firstReady(host) === line) this.#offer(host);
  }

  /** Not ready any more, without having begun. */
  withdraw(line: number): void {
    const host = this.#readyOn.get(line);
    if (!host) return;
    this.#readyOn.delete(line);
    this.#offer(host);
  }

  /** The line whose task begins next; undefined when there is no place, or none is ready. */
  next(): number | undefined {
    if (this.#running >= this.#limits.concurrency) return undefined;
    for (;;) {
      const candidate = this.#candidates.first;
      if (!candidate || this.#mayBegin(candidate)) return candidate?.line;
      this.#candidates.take();
    }
  }

  /** Its task has begun: it holds a place until `leave`. */
  enter(line: number): void {
    const host = this.#readyOn.get(line);
    assert(host, `line ${line} begins a task and was not ready`);
    this.#readyOn.delete(line);
    this.#running += 1;
    host.running += 1;
    this.#offer(host);
  }

  /** A task on that host has ended. */
  leave(hostName: string): void {
    const host = this.#hostOf(hostName);
    this.#running -= 1;
    host.running -= 1;
    this.#offer(host);
  }

  #mayBegin({ line, host }: Candidate): boolean {
    return this.#readyOn.get(line) === host && host.running < this.#limits.concurrencyPerHost;
  }

  /** Puts the host's first ready line up for a place. */
  #offer(host: HostPlaces): void {
    if (host.running >= this.#limits.concurrencyPerHost) return;
    const line = this.#firstReady(host);
    if (line !== undefined) this.#candidates.add({ line, host });
  }

  #firstReady(host: HostPlaces): number | undefined {
    for (;;) {
      const line = host.lines.first;
      if (line === undefined || this.#readyOn.get(line) === host) return line;
      host.lines.take();
    }
  }

  #hostOf(name: string): HostPlaces {
    const known = this.#hosts.get(name);
    if (known) return known;
    const host = { name, running: 0, lines: new Heap<number>((left, right) => left < right) };
    this.#hosts.set(name, host);
    return host;
  }
}
