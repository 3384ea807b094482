/**
 * One thread that serves, seen from the thread that started it.
 *
 *     starting --listening--> serving --stop--> ended
 *         |                      |
 *         `-----failed, died-----`--> ended, with the reason
 */
import { Worker } from "node:worker_threads";
import type { StopOptions } from "@propagit/http";
import { PropagitError, toPropagitError, type TrafficCount } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import type { ConnectionSample } from "../core/metrics-text.js";
import type { Tally } from "../core/tallies.js";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.js";

export interface WorkerThreadOptions {
  readonly start: WorkerStart;
  readonly log: Log;
  readonly onCounts: (counts: readonly TrafficCount[], tallies: readonly Tally[]) => void;
  readonly onAccess: (lines: string) => void;
}

/** Beside this file, both as it is compiled and in the bundle of the command line. */
const program = new URL("./worker-main.js", import.meta.url);

export class WorkerThread {
  /** Resolves once it takes visitors. @throws what hinders it */
  readonly listening: Promise<void>;
  /** Resolves when the thread is gone, with the reason when nobody wanted that. */
  readonly ended: Promise<PropagitError | undefined>;
  /** As they were told last. */
  connections: ConnectionSample = { open: 0, accepted: 0, refused: 0, tunnels: 0 };
  readonly #worker: Worker;
  readonly #options: WorkerThreadOptions;
  readonly #answers = new Map<number, (value: number) => void>();
  #lastId = 0;
  #failure: PropagitError | undefined;
  #isListening = false;
  #begun: () => void = () => undefined;

  constructor(options: WorkerThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(program, { workerData: options.start });
    this.#worker.on("message", (message: FromWorker) => this.#take(message));
    this.#worker.on("error", (thrown) => (this.#failure ??= toPropagitError(thrown)));
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", () => {
        for (const answer of this.#answers.values()) answer(0);
        this.#answers.clear();
        resolve(this.#failure);
      });
    });
    this.listening = this.#begin();
  }

  tell(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }

  /** Resolves when everything that was told before has been taken; of a thread that is gone at once. */
  ping(): Promise<number> {
    return this.#ask((id) => ({ kind: "ping", id }));
  }

  inFlight(addresses: ReadonlySet<string>): Promise<number> {
    return this.#ask((id) => ({ kind: "in-flight", id, addresses }));
  }

  async stop(options?: StopOptions): Promise<void> {
    this.tell({ kind: "stop", options });
    await this.ended;
  }

  async #begin(): Promise<void> {
    const begun = new Promise<void>((resolve) => (this.#begun = resolve));
    await Promise.race([begun, this.ended]);
    if (this.#isListening) return;
    throw this.#failure ?? new PropagitError("INTERNAL", "a worker ended before it served");
  }

  #ask(make: (id: number) => ToWorker): Promise<number> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const answer = (value: number) => {
        this.#answers.delete(id);
        resolve(value);
      };
      this.#answers.set(id, answer);
      void this.ended.then(() => answer(0));
      this.tell(make(id));
    });
  }

  #take(message: FromWorker): void {
    const { log, onCounts, onAccess } = this.#options;
    switch (message.kind) {
      case "listening":
        this.#isListening = true;
        return this.#begun();
      case "failed":
        this.#failure = PropagitError.fromData(message.error);
        return undefined;
      case "answer":
        return this.#answers.get(message.id)?.(message.value);
      case "log":
        return log[message.level](message.message);
      case "counts":
        this.connections = message.connections;
        return onCounts(message.counts, message.tallies);
      case "access":
        return onAccess(message.lines);
      default:
        return message satisfies never;
    }
  }
}
