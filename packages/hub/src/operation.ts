/** One deploy or stop while it runs: feeds the machine in `core/deploy.ts`, tells everybody who listens. */
import { type DeployResult, type DroneProgress, type InstanceReport } from "@propagit/protocol";
import type { Clock, Timer } from "@propagit/runtime";
import {
  startDeploy,
  stepDeploy,
  type DeployEnd,
  type DeployEvent,
  type DeployState,
  type DeployStep,
} from "./core/deploy.js";
import type { OperationRow } from "./core/rows.js";
import type { Contact, Goal } from "./core/verdict.js";

export type OnLine = (line: DroneProgress) => void;

export interface OperationResult {
  readonly outcome: DeployEnd["outcome"];
  readonly drones: DeployResult["drones"];
  /** Whether visitors were sent to the commit. */
  readonly promoted: boolean;
}

export interface OperationOptions {
  readonly clock: Clock;
  readonly row: OperationRow;
  /** Time until whoever is not done has failed, and how that is then said. */
  readonly limitMs: number;
  readonly lateText: string;
  /** Writes the end down; its result is everybody's. */
  readonly finish: (operation: Operation, end: DeployEnd) => Promise<boolean>;
}

/** How a drone is when an operation begins or goes on. */
export interface Sight {
  readonly contact: Contact;
  readonly reports: readonly InstanceReport[];
}

export class Operation {
  readonly row: OperationRow;
  /** Resolves when the end is written. */
  readonly result: Promise<OperationResult>;
  readonly #options: OperationOptions;
  readonly #lines: DroneProgress[] = [];
  readonly #listeners = new Set<OnLine>();
  #state: DeployState | undefined;
  #isOver = false;
  #timer: Timer | undefined;
  #resolve!: (result: OperationResult) => void;
  #reject!: (error: unknown) => void;

  constructor(options: OperationOptions) {
    this.row = options.row;
    this.#options = options;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody may be listening: whoever asked can have gone, and a restarted hub goes on alone.
    this.result.catch(() => undefined);
  }

  get goal(): Goal {
    return this.row.goal;
  }

  /** Starts to look at drones, once the row is on disk. */
  begin(sightOf: (identity: string) => Sight): void {
    const { clock, limitMs, lateText } = this.#options;
    const participants = this.row.drones.map((drone) => ({ ...drone, ...sightOf(drone.identity) }));
    this.#timer = clock.after(limitMs, () => this.feed({ kind: "late", text: lateText }));
    this.#take(startDeploy(this.goal, participants));
  }

  feed(event: DeployEvent): void {
    if (this.#state && !this.#isOver) this.#take(stepDeploy(this.#state, event));
  }

  /** It never began, or the hub ends and the next one goes on; whoever waits is told. */
  abandon(error: unknown): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#reject(error);
  }

  /** All lines, those from before first; until the end or until stopped. */
  follow(onLine: OnLine): { stop(): void } {
    for (const line of this.#lines) onLine(line);
    this.#listeners.add(onLine);
    return { stop: () => this.#listeners.delete(onLine) };
  }

  #take({ state, lines, end }: DeployStep): void {
    this.#state = state;
    for (const line of lines) this.#tell({ ...line, at: this.#options.clock.now() });
    if (end) void this.#finish(end);
  }

  async #finish(end: DeployEnd): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    try {
      const promoted = await this.#options.finish(this, end);
      this.#resolve({ outcome: end.outcome, drones: [...end.drones], promoted });
    } catch (thrown) {
      this.#reject(thrown);
    }
  }

  #tell(line: DroneProgress): void {
    this.#lines.push(line);
    for (const listener of this.#listeners) listener(line);
  }
}
