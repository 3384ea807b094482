/**
 * The tasks of releases as they are observed: feeds the machine of each (`core/rollout.ts`) with what the engine
 * asks for and what is seen of the drones, writes what follows, and answers the engine.
 *
 *     asked, reports, contacts, time, proxies --> machine --> one write --> drones, proxies, whoever looks on
 *                                                                      '--> the engine: done | failed
 *
 * Each step is decided when the ledger's turn comes, from the rows as they are then.
 */
import type { InstanceReport } from "@propagit/protocol";
import type { Contact, Step } from "./core/contact.js";
import { Draft } from "./core/draft.js";
import { isOpen } from "./core/release-progress.js";
import { deadlineOf, stepRollout } from "./core/rollout.js";
import { applyEffect, nameOfRelease, writeRollout } from "./core/rollout-edits.js";
import type { RolloutEvent, RolloutStep } from "./core/rollout-step.js";
import { stepLine } from "./core/rollout-text.js";
import type { LedgerChange, RolloutRow } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import { RolloutProxies } from "./rollout-proxies.js";
import type { RolloutQueues } from "./rollout-queues.js";
import type { RolloutSight, SightParts } from "./rollout-sight.js";
import { startSight, tellDrones, tellStep, type StartSight } from "./rollout-telling.js";
import { Rollout } from "./rollout.js";
import { TaskRunner } from "./task-runner.js";
import type { HubWorld } from "./world.js";

/** Between two looks at all drones, of which each takes about a microsecond. */
const restMsPerDrone = 0.1;
/** Until a step that could not be written is tried again. */
const againMs = 5_000;

export interface ReleaseStepsParts extends SightParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly sight: RolloutSight;
  readonly queues: RolloutQueues;
  /** Its end is written. */
  readonly ended: (rollout: Rollout) => void;
  /** Somebody does not want it any more: its run is to undo it. */
  readonly breakOff: (rollout: Rollout, by: string) => void;
}

/** A step with how the drones stood when it was taken: told when it is on disk, after all that came before. */
type SeenStep = RolloutStep & StartSight;

export class ReleaseSteps {
  readonly #parts: ReleaseStepsParts;
  readonly #tasks: TaskRunner;
  readonly #proxies: RolloutProxies;
  #isSuspended = false;

  constructor(parts: ReleaseStepsParts) {
    const { world, ledger, fleet, assignments, switchboard } = parts;
    this.#parts = parts;
    this.#tasks = new TaskRunner(world, ledger, fleet, {
      ended: (rollout, id, result) => this.feed(rollout, { kind: "task-ended", id, result }),
    });
    this.#proxies = new RolloutProxies(switchboard, (rollout, event) => this.feed(rollout, event));
    assignments.listen(() => this.#lookAll());
    fleet.listen({
      observed: (identity, report, step) => this.#observed(identity, report, step),
      contact: (identity, contact) => this.#contact(identity, contact),
    });
  }

  rolloutOf(row: RolloutRow): Rollout {
    const { world, ledger } = this.#parts;
    const restMs = () => ledger.rows("drones").size * restMsPerDrone;
    const rollout: Rollout = new Rollout(world.clock, row, {
      restMs,
      work: () => this.feed(rollout, { kind: "looked" }),
    });
    return rollout;
  }

  /** Tries until it is written. */
  feed(rollout: Rollout, event: RolloutEvent): void {
    void this.#take(rollout, event).catch((thrown: unknown) => {
      if (this.#isSuspended || rollout.isOver) return;
      const { log, clock } = this.#parts.world;
      const what = nameOfRelease(rollout.row);
      log.warn(`a step of ${what} could not be written: ${String(thrown)}`);
      clock.after(againMs, () => this.feed(rollout, event));
    });
  }

  /** Nothing more happens; what is under way is on disk. */
  suspend(): void {
    this.#isSuspended = true;
  }

  async #take(rollout: Rollout, event: RolloutEvent): Promise<void> {
    const { ledger } = this.#parts;
    let step: SeenStep | undefined;
    let before = rollout.row;
    await ledger.change((): LedgerChange | undefined => {
      if (rollout.isOver || this.#isSuspended) return undefined;
      before = rollout.row;
      const draft = new Draft(ledger);
      step = this.#step(draft, rollout, event);
      return draft.changeIfAny;
    });
    if (step && !this.#isSuspended) this.#took(rollout, before, step);
  }

  /** Decides, and writes what must be written into the draft. */
  #step(draft: Draft, { row, asked }: Rollout, event: RolloutEvent): SeenStep | undefined {
    const view = this.#parts.sight.viewOf(draft, row, asked?.command);
    if (!view) return undefined;
    const step = stepRollout(row, event, view);
    if (step.row !== row) writeRollout(draft, row, step.row, view.now);
    for (const effect of step.durable) applyEffect(draft, step.row, effect, view.now);
    return { ...step, ...startSight(row, step.row, view) };
  }

  /** What follows when a step is on disk. */
  #took(rollout: Rollout, before: RolloutRow, step: SeenStep): void {
    rollout.row = step.row;
    tellStep(this.#parts.fleet, rollout, before, step);
    tellDrones(rollout, before, step);
    for (const effect of step.outward) {
      switch (effect.kind) {
        case "run-task":
          this.#tasks.ask(rollout);
          break;
        case "cancel-task":
          this.#tasks.cancel(effect.task);
          break;
        case "ask-proxies":
          this.#proxies.ask(rollout);
          break;
        case "break-off":
          this.#parts.breakOff(rollout, effect.by);
          break;
        case "note":
          rollout.tell({ kind: "note", at: rollout.now, text: effect.text });
          break;
        default:
          effect satisfies never;
      }
    }
    const isEnd = step.durable.some(({ kind }) => kind === "end");
    if (isEnd) this.#parts.ended(rollout);
    else this.#goOn(rollout, step);
    if (step.answer) rollout.settle(step.answer);
    if (isEnd) answerLate(rollout);
  }

  #goOn(rollout: Rollout, step: RolloutStep): void {
    const { sight, ledger } = this.#parts;
    const times = sight.timesOf(ledger, rollout.row, rollout.asked?.command);
    const at = times && deadlineOf(rollout.row, times);
    rollout.alarm(at, () => this.feed(rollout, { kind: "looked" }));
    // What was just changed may be all there already: instances that are warm, or gone.
    if (step.durable.length > 0) this.#lookAt(rollout);
  }

  #observed(identity: string, report: InstanceReport, step: Step | undefined): void {
    const { queues, fleet } = this.#parts;
    for (const rollout of queues.all) {
      const { deployment, phase } = rollout.row;
      if (report.deployment !== deployment || !isOpen(rollout.row)) continue;
      const name = fleet.nameOf(identity);
      const line = step && phase === "starting" && stepLine(name, step, rollout.told);
      if (line) rollout.tell({ kind: "drone", at: rollout.now, ...line });
      this.#lookAt(rollout);
    }
  }

  #contact(identity: string, contact: Contact): void {
    this.#lookAll();
    if (contact !== "connected") return;
    // After the answer to its join, which a drone must have first.
    this.#parts.world.clock.after(0, () => {
      for (const rollout of this.#parts.queues.all) {
        if (rollout.row.task?.identity === identity) this.#tasks.ask(rollout);
      }
    });
  }

  #lookAll(): void {
    for (const rollout of this.#parts.queues.all) this.#lookAt(rollout);
  }

  #lookAt(rollout: Rollout): void {
    if (!rollout.isOver && isOpen(rollout.row)) rollout.looks.ask();
  }
}

/** What was asked for while the last step was on its way to the disk: no step comes after it. */
function answerLate(rollout: Rollout): void {
  const { asked } = rollout;
  if (!asked) return;
  const { command } = asked;
  const isUndone = command === "undo-release";
  rollout.settle(
    isUndone
      ? { command, outcome: "done" }
      : { command, outcome: "failed", reason: "the release is over" },
  );
}
