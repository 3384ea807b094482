/**
 * Connections to hosts, shared and bounded: one for each host, at most `mastersMax` together, each with at
 * most `sessionsMax` programs at the same time. Whoever asks for more waits for his turn.
 *
 *     a session --> the host's connection, or a new one --> its turn there --> used --> given back
 *                        (all in use: the one that has been idle longest ends first, else wait)
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { sessionsMax, SshMaster, type SshCall } from "./ssh-master.js";

/** A connection that nobody used for so long is ended. */
const idleMs = 60_000;
/** The path of a socket has 104 bytes with some kernels, and ssh adds 17 while it makes one. */
const folderCharsMax = 60;

interface Place {
  readonly call: SshCall;
  readonly master: SshMaster;
  sessions: number;
  idleSince: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export interface Session {
  readonly socket: string;
  /** Resolves once its connection has ended. */
  readonly gone: Promise<void>;
  release(): void;
}

export class SshPool {
  readonly #mastersMax: number;
  readonly #places = new Map<string, Place>();
  /** Told whenever something becomes free. */
  readonly #waiting = new Set<() => void>();
  #folder: string | undefined;
  #count = 0;
  #isClosed = false;

  constructor(mastersMax: number) {
    this.#mastersMax = mastersMax;
  }

  /** @throws HOST_LOST, HOST_DENIED; TASK_FAILED when aborted while waiting */
  async session(call: SshCall, signal?: AbortSignal): Promise<Session> {
    for (;;) {
      this.#check(call, signal);
      const place = this.#placeFor(call);
      if (!place || place.sessions >= sessionsMax) {
        await this.#freed(signal);
        continue;
      }
      this.#use(place);
      try {
        await untilAborted(place.master.opened, signal);
      } catch (thrown) {
        this.#giveBack(place);
        throw thrown;
      }
      return this.#sessionOf(place);
    }
  }

  /** Ends all connections, and what goes on through them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tellAll();
    await Promise.all([...this.#places.values()].map((place) => this.#end(place)));
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #check({ host }: SshCall, signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new PropagitError("HOST_LOST", `${host}: this process is ending`);
    if (signal?.aborted) throw new PropagitError("TASK_FAILED", `waiting for ${host} was ended`);
  }

  #placeFor(call: SshCall): Place | undefined {
    const known = this.#places.get(call.host);
    if (known && !known.master.isGone) return known;
    if (this.#places.size >= this.#mastersMax && !this.#evict()) return undefined;
    const socket = join(this.#socketFolder(), String(++this.#count));
    const master = new SshMaster(call, socket);
    const place: Place = { call, master, sessions: 0, idleSince: 0, idleTimer: undefined };
    this.#places.set(call.host, place);
    void master.gone.then(() => this.#forget(place));
    return place;
  }

  /** Whether there was an idle one to end. */
  #evict(): boolean {
    const idle = [...this.#places.values()].filter(({ sessions }) => sessions === 0);
    const [oldest] = idle.sort((a, b) => a.idleSince - b.idleSince);
    if (oldest) void this.#end(oldest);
    return oldest !== undefined;
  }

  #use(place: Place): void {
    place.sessions += 1;
    clearTimeout(place.idleTimer);
  }

  #sessionOf(place: Place): Session {
    let isOpen = true;
    return {
      socket: place.master.socket,
      gone: place.master.gone,
      release: () => {
        if (isOpen) this.#giveBack(place);
        isOpen = false;
      },
    };
  }

  #giveBack(place: Place): void {
    place.sessions -= 1;
    if (place.sessions === 0) {
      place.idleSince = performance.now();
      place.idleTimer = setTimeout(() => void this.#end(place), idleMs).unref();
    }
    this.#tellAll();
  }

  async #end(place: Place): Promise<void> {
    clearTimeout(place.idleTimer);
    this.#forget(place);
    await place.master.close();
  }

  #forget(place: Place): void {
    clearTimeout(place.idleTimer);
    if (this.#places.get(place.call.host) === place) this.#places.delete(place.call.host);
    this.#tellAll();
  }

  #freed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  #tellAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Nobody else may enter it: whoever can use a control socket is logged in. */
  #socketFolder(): string {
    const parent = tmpdir().length > folderCharsMax ? "/tmp" : tmpdir();
    this.#folder ??= mkdtempSync(join(parent, "propagit-ssh-"));
    return this.#folder;
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  let onAbort: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    onAbort = () => reject(new PropagitError("TASK_FAILED", "connecting to the host was ended"));
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
