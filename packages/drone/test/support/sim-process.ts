/** A process of a simulated machine: begins to listen a while after its start, may crash, outlives drones. */
import { placeOf } from "../../src/core/reconcile.js";
import type { InstanceNote, LaunchRequest, ProcessEnd, RunningProcess } from "../../src/world.js";
import type { SimMachine } from "./sim-machine.js";

export class SimProcess {
  readonly pid: number;
  readonly variables: Readonly<Record<string, string>>;
  note: InstanceNote;
  listens = false;
  readonly #machine: SimMachine;
  readonly #ignoresTerm: boolean;
  readonly #ended: Promise<ProcessEnd>;
  #resolve!: (end: ProcessEnd) => void;
  #isSeen = () => false;
  #isOver = false;

  constructor(machine: SimMachine, { note, variables }: LaunchRequest, pid: number) {
    this.#machine = machine;
    this.note = note;
    this.variables = variables;
    this.pid = pid;
    this.#ignoresTerm = machine.chance(machine.faults.ignoresTerm);
    this.#ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get commit(): string {
    return this.note.commit;
  }

  get ports(): readonly number[] {
    return Object.values(this.note.ports);
  }

  get port(): number {
    return this.ports[0] ?? 0;
  }

  get place(): string {
    return placeOf(this.note.deployment, this.note);
  }

  begin(): void {
    void this.#live(this.#machine.chance(this.#machine.faults.crashes));
  }

  /** As one drone's life sees it; what ends while nobody looks is kept for the next one. */
  seenBy(isSeen: () => boolean): RunningProcess {
    this.#isSeen = isSeen;
    return {
      pid: this.pid,
      ended: this.#ended.then((end) => {
        if (!isSeen()) return new Promise<never>(() => undefined);
        this.#machine.unseen.delete(this);
        return end;
      }),
      signal: (name) => {
        this.#machine.signals++;
        if (name !== "SIGKILL" && this.#ignoresTerm) return;
        void this.#machine.delay(1, 500).then(() => this.end(`was ended by ${name}`, undefined));
      },
      lastLines: async () => [],
      remember: async (note) => {
        await this.#machine.delay(1, 5);
        if (isSeen()) this.note = note;
      },
    };
  }

  end(how: string, code: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.listens = false;
    this.#machine.processes.delete(this);
    if (!this.#isSeen()) this.#machine.unseen.add(this);
    this.#resolve({ how, code, lastLines: [] });
  }

  async #live(crashes: boolean): Promise<void> {
    await this.#machine.delay(1, 3_000);
    this.listens = !this.#isOver;
    if (!crashes) return;
    await this.#machine.delay(1, 60_000);
    const { exitCode } = this.#machine;
    this.end(`exited with code ${exitCode}`, exitCode);
  }
}
