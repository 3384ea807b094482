/** A thread that serves: its own table, engine and counters, told by the thread that started it. */
import type { StopOptions } from "@propagit/http";
import { parentPort, workerData } from "node:worker_threads";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { nodeWorld, type Log, type Timer } from "@propagit/runtime";
import { RouteTable } from "../core/route-table.js";
import { takeFeed, type Feed } from "../feed.js";
import { LineBatch } from "./line-batch.js";
import { ProxyServer } from "./server.js";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.js";

/** Below the second in which the hub is told. */
const countsMs = 250;

const log: Log = {
  info: (message) => post({ kind: "log", level: "info", message }),
  warn: (message) => post({ kind: "log", level: "warn", message }),
};
const world = nodeWorld(log);

class Worker {
  readonly #table: RouteTable;
  readonly #server: ProxyServer;
  readonly #lines = new LineBatch(world.clock, (lines) => post({ kind: "access", lines }));
  #awareness: WorkerStart["awareness"];
  #counting: Timer | undefined;
  /** Of connections, what was told last. */
  #told = "";

  constructor({ settings, feeds, awareness, certificates }: WorkerStart) {
    this.#awareness = awareness;
    this.#table = new RouteTable(settings);
    const { accessPercent: percent } = settings;
    this.#server = new ProxyServer({
      world,
      table: this.#table,
      settings,
      awareness: {
        stale: () => this.#awareness.stale,
        blocked: () => this.#awareness.blocked && PropagitError.fromData(this.#awareness.blocked),
      },
      ...(percent !== undefined && {
        access: { percent, write: (line: string) => this.#lines.add(line) },
      }),
    });
    this.#server.useCertificates(certificates);
    for (const feed of feeds) this.#take(feed);
  }

  async listen({ fd, tlsFd }: Pick<WorkerStart, "fd" | "tlsFd">): Promise<void> {
    await this.#server.listen({ fd });
    if (tlsFd !== undefined) await this.#server.listen({ fd: tlsFd, tls: true });
    this.#count();
  }

  take(message: ToWorker): void {
    switch (message.kind) {
      case "feed":
        return this.#take(message.feed);
      case "certificates":
        return this.#server.useCertificates(message.state);
      case "awareness":
        this.#awareness = message.awareness;
        return undefined;
      case "ping":
        return post({ kind: "answer", id: message.id, value: 0 });
      case "in-flight": {
        const value = this.#server.inFlight(message.addresses);
        return post({ kind: "answer", id: message.id, value });
      }
      case "end-tunnels":
        return this.#server.endTunnels(message.addresses, message.graceMs);
      case "hand-over":
        return this.#server.engine.handOver();
      case "stop":
        return void this.#stop(message.options);
      default:
        return message satisfies never;
    }
  }

  #take(feed: Feed): void {
    takeFeed(this.#table, feed, world.clock.monotonic());
    this.#server.took(feed);
  }

  #count(): void {
    this.#tellCounts();
    this.#counting = world.clock.after(countsMs, () => this.#count());
  }

  async #stop(options: StopOptions | undefined): Promise<void> {
    await this.#server.stop(options);
    this.#counting?.cancel();
    this.#tellCounts();
    this.#lines.flush();
    // Nothing else holds the thread.
    parentPort?.close();
  }

  #tellCounts(): void {
    const counts = this.#server.counters.takeChanged();
    const tallies = this.#server.tallies.takeNew();
    const { connections } = this.#server;
    const { open, accepted, refused, tunnels } = connections;
    const told = `${open} ${accepted} ${refused} ${tunnels}`;
    if (counts.length === 0 && tallies.length === 0 && told === this.#told) return;
    this.#told = told;
    post({ kind: "counts", counts, tallies, connections });
  }
}

function post(message: FromWorker): void {
  parentPort?.postMessage(message, []);
}

async function main(): Promise<void> {
  const start = workerData as WorkerStart;
  try {
    const worker = new Worker(start);
    parentPort?.on("message", (message: ToWorker) => worker.take(message));
    await worker.listen(start);
    post({ kind: "listening" });
  } catch (thrown) {
    post({ kind: "failed", error: toPropagitError(thrown).toData() });
    parentPort?.close();
  }
}

await main();
