/**
 * Several threads on one listening socket, all told the same.
 *
 *     worker 2 serving --died--> said, waited for a moment --> another worker 2, told all that is known
 */
import type { StopOptions } from "@propagit/http";
import { toPropagitError } from "@propagit/protocol";
import { backoffMs, type Backoff, type Timer, type World } from "@propagit/runtime";
import type { ConnectionSample } from "../core/metrics-text.js";
import { MergedCounters } from "../counters.js";
import type { Feed } from "../feed.js";
import { Tallies } from "../core/tallies.js";
import type { CertificateState } from "./certificates.js";
import type { ListeningSocket } from "./listening-socket.js";
import type { ServerSettings } from "./server.js";
import type { Serving } from "./serving.js";
import type { SharedSocket } from "./shared-socket.js";
import type { AwarenessState, ToWorker, WorkerStart } from "./worker-messages.js";
import { WorkerThread } from "./worker-thread.js";

export interface WorkerPoolOptions {
  readonly world: World;
  readonly socket: SharedSocket;
  readonly tlsSocket?: SharedSocket;
  readonly certificates: CertificateState;
  readonly count: number;
  readonly settings: ServerSettings;
  /** All that is known: what a new worker is told first. */
  readonly feeds: () => readonly Feed[];
  readonly awareness: () => AwarenessState;
  readonly onAccess: (lines: string) => void;
}

/** How often it is looked whether what is known of hub and registry has changed. */
const awarenessMs = 200;
/** A worker that dies again and again must not keep the others from their work. */
const restartBackoff: Backoff = { firstMs: 100, maxMs: 30_000 };
/** After so long its deaths are forgotten. */
const calmMs = 60_000;

type WorkerPlace = Pick<WorkerStart, "fd" | "tlsFd">;
const nowhere: WorkerPlace = { fd: -1 };

interface Slot {
  readonly number: number;
  thread: WorkerThread | undefined;
  startedAtMs: number;
  deaths: number;
  restarting: Timer | undefined;
}

export class WorkerPool implements Serving {
  readonly counts = new MergedCounters();
  readonly tallies = new Tallies();
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly Slot[];
  #lives = 0;
  /** By threads that have ended. */
  readonly #endedBefore = { accepted: 0, refused: 0 };
  #isUp = false;
  #isStopping = false;
  #awareness = "";
  #certificates: CertificateState;
  #looking: Timer | undefined;

  /** Starts all and waits until they serve. @throws what hinders one of them */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    const places = await copiesOf(options, options.count);
    try {
      await Promise.all(pool.#slots.map((slot, at) => pool.#start(slot, places[at] ?? nowhere)));
    } catch (thrown) {
      await pool.stop();
      throw thrown;
    }
    pool.#isUp = true;
    pool.#look();
    return pool;
  }

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.port = options.socket.port;
    this.tlsPort = options.tlsSocket?.port;
    this.#certificates = options.certificates;
    this.#slots = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      thread: undefined,
      startedAtMs: 0,
      deaths: 0,
      restarting: undefined,
    }));
  }

  get sockets(): readonly ListeningSocket[] {
    const { socket, tlsSocket } = this.#options;
    return [
      { tls: false, handle: socket.handle },
      ...(tlsSocket ? [{ tls: true, handle: tlsSocket.handle }] : []),
    ];
  }

  get connections(): ConnectionSample {
    const sum = { open: 0, ...this.#endedBefore, tunnels: 0 };
    for (const { connections } of this.#threads) {
      sum.open += connections.open;
      sum.accepted += connections.accepted;
      sum.refused += connections.refused;
      sum.tunnels += connections.tunnels;
    }
    return sum;
  }

  took(feed: Feed): void {
    this.#tell({ kind: "feed", feed });
    // The first book ends that nobody is served.
    this.#shareAwareness();
  }

  useCertificates(state: CertificateState): void {
    this.#certificates = state;
    this.#tell({ kind: "certificates", state });
  }

  async applied(): Promise<void> {
    this.#shareAwareness();
    await Promise.all(this.#threads.map((thread) => thread.ping()));
  }

  async inFlight(addresses: ReadonlySet<string>): Promise<number> {
    const parts = await Promise.all(this.#threads.map((thread) => thread.inFlight(addresses)));
    return parts.reduce((sum, part) => sum + part, 0);
  }

  endTunnels(addresses: ReadonlySet<string>, graceMs: number): void {
    this.#tell({ kind: "end-tunnels", addresses, graceMs });
  }

  handOver(): void {
    this.#tell({ kind: "hand-over" });
  }

  async stop(options?: StopOptions): Promise<void> {
    this.#isStopping = true;
    this.#looking?.cancel();
    this.#options.socket.close();
    this.#options.tlsSocket?.close();
    for (const { restarting } of this.#slots) restarting?.cancel();
    await Promise.all(this.#threads.map((thread) => thread.stop(options)));
  }

  get #threads(): readonly WorkerThread[] {
    return this.#slots.flatMap(({ thread }) => thread ?? []);
  }

  #tell(message: ToWorker): void {
    for (const thread of this.#threads) thread.tell(message);
  }

  async #start(slot: Slot, place: WorkerPlace): Promise<void> {
    const { world, settings, feeds, awareness, onAccess } = this.#options;
    this.#lives += 1;
    const source = `worker ${slot.number}, life ${this.#lives}`;
    const thread = new WorkerThread({
      start: {
        ...place,
        settings,
        feeds: feeds(),
        awareness: awareness(),
        certificates: this.#certificates,
      },
      log: world.log,
      onAccess,
      onCounts: (counts, tallies) => {
        this.counts.put(source, counts);
        this.tallies.add(tallies);
      },
    });
    slot.thread = thread;
    slot.startedAtMs = world.clock.monotonic();
    void thread.ended.then((failure) => this.#ended(slot, source, failure));
    await thread.listening;
  }

  #ended(slot: Slot, source: string, failure: Error | undefined): void {
    const { accepted = 0, refused = 0 } = slot.thread?.connections ?? {};
    this.#endedBefore.accepted += accepted;
    this.#endedBefore.refused += refused;
    slot.thread = undefined;
    this.counts.end(source);
    if (!this.#isUp || this.#isStopping) return;
    const why = failure?.message ?? "it ended by itself";
    const { clock, log } = this.#options.world;
    log.warn(`worker ${slot.number} died: ${why}; the others serve on, starts it again`);
    if (clock.monotonic() - slot.startedAtMs > calmMs) slot.deaths = 0;
    this.#planRestart(slot);
  }

  #planRestart(slot: Slot): void {
    const { clock, random } = this.#options.world;
    slot.deaths += 1;
    const delayMs = backoffMs(restartBackoff, slot.deaths, random.fraction());
    slot.restarting = clock.after(delayMs, () => void this.#restart(slot));
  }

  async #restart(slot: Slot): Promise<void> {
    const place = await this.#copy();
    if (this.#isStopping) return;
    if (place === undefined) return this.#planRestart(slot);
    try {
      await this.#start(slot, place);
      this.#options.world.log.info(`worker ${slot.number} serves again`);
    } catch {
      // Where it ended, that was said and the next attempt planned.
    }
  }

  async #copy(): Promise<WorkerPlace | undefined> {
    try {
      const [place] = await copiesOf(this.#options, 1);
      return place;
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      this.#options.world.log.warn(`a worker cannot be started: ${message}; tries again`);
      return undefined;
    }
  }

  #look(): void {
    this.#shareAwareness();
    this.#looking = this.#options.world.clock.after(awarenessMs, () => this.#look());
  }

  #shareAwareness(): void {
    const awareness = this.#options.awareness();
    const text = JSON.stringify(awareness);
    if (text === this.#awareness) return;
    this.#awareness = text;
    this.#tell({ kind: "awareness", awareness });
  }
}

/** Descriptors for as many workers. */
async function copiesOf(
  { socket, tlsSocket }: WorkerPoolOptions,
  count: number,
): Promise<readonly WorkerPlace[]> {
  const [fds, tlsFds] = await Promise.all([socket.copies(count), tlsSocket?.copies(count)]);
  return fds.map((fd, at) => {
    const tlsFd = tlsFds?.[at];
    return tlsFd === undefined ? { fd } : { fd, tlsFd };
  });
}
