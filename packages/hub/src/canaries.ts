/**
 * All rollouts by steps that are not over, one for each environment of a repository.
 *
 *     each second, and when something changes:  view -> machine (core/canary.ts) -> ledger -> proxies asked
 *
 * What was counted is in memory and written now and then; a hub that dies loses the counts of a few seconds
 * and no step.
 */
import { toPropagitError } from "@propagit/protocol";
import type { Timer } from "@propagit/runtime";
import { lookMs, stepCanary, type CanaryEvent, type CanaryStep } from "./core/canary.js";
import { checkCanaryChange, noneUnderWay, type WantedCanaryChange } from "./core/canary-change.js";
import { writeCanary } from "./core/canary-edits.js";
import type { CanaryRow } from "./core/canary-row.js";
import { Draft } from "./core/draft.js";
import type { NamedPlace } from "./core/place-name.js";
import { placeKey } from "./core/rows.js";
import { CanarySight, type CanarySightParts, type Position } from "./canary-sight.js";
import type { Ledger } from "./ledger.js";
import type { Switchboard } from "./switch.js";
import type { HubWorld } from "./world.js";

/** What was counted is written at least so often. */
const saveMs = 10_000;

export interface CanariesParts extends CanarySightParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly switchboard: Pick<Switchboard, "seen" | "applied">;
}

/** Told what goes on. */
export interface CanaryListener {
  changed(row: CanaryRow): void;
  noted(row: CanaryRow, text: string): void;
}

interface LiveCanary {
  row: CanaryRow;
  /** What had been counted when it was looked at last. */
  position: Position;
  savedAt: number;
  isAsking: boolean;
}

export class Canaries {
  readonly #parts: CanariesParts;
  readonly #sight: CanarySight;
  readonly #live = new Map<string, LiveCanary>();
  readonly #listeners = new Set<CanaryListener>();
  #timer: Timer | undefined;
  #isSuspended = false;

  constructor(parts: CanariesParts) {
    this.#parts = parts;
    this.#sight = new CanarySight(parts);
    parts.ledger.listen({
      changed: (tables) => {
        if (tables.has("canaries")) this.#adopt();
        if (tables.has("routes") || tables.has("releases")) this.#lookAll();
      },
      happened: (event) => this.#sight.happened(event),
    });
  }

  /** Goes on with what a former life of the hub had begun. */
  resume(): void {
    this.#adopt();
    this.#lookAll();
  }

  suspend(): void {
    this.#isSuspended = true;
    this.#timer?.cancel();
  }

  listen(listener: CanaryListener): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** As it is now, counts included; also one that is over. */
  find(repo: string, environment: string): CanaryRow | undefined {
    const key = placeKey(repo, environment);
    return this.#live.get(key)?.row ?? this.#parts.ledger.rows("canaries").get(key);
  }

  /** @throws NO_ROLLOUT when there is none under way, or it cannot be changed like that now */
  async change(
    place: NamedPlace,
    { by, ...wanted }: WantedCanaryChange & { readonly by: string },
  ): Promise<CanaryRow> {
    const key = placeKey(place.repo, place.environment);
    const event: CanaryEvent = { kind: "change", change: wanted.change, by };
    const row = await this.#take(key, event, (before) => checkCanaryChange(before, wanted));
    if (row) return row;
    throw noneUnderWay(place);
  }

  /** Those that are not over are carried out from now on. */
  #adopt(): void {
    for (const [key, row] of this.#parts.ledger.rows("canaries")) {
      const live = this.#live.get(key);
      const isSame = live?.row.startedAt === row.startedAt && live.row.release === row.release;
      if (row.phase === "over" || isSame) continue;
      const position = this.#sight.positionOf(row);
      this.#live.set(key, { row, position, savedAt: row.lookedAt, isAsking: false });
      this.#tellChanged(row);
      this.#feed(key, { kind: "looked" });
    }
    this.#timer ??= this.#live.size > 0 ? this.#startTimer() : undefined;
  }

  #startTimer(): Timer {
    return this.#parts.world.clock.after(lookMs, () => {
      this.#timer = undefined;
      if (this.#isSuspended || this.#live.size === 0) return;
      this.#timer = this.#startTimer();
      this.#lookAll();
    });
  }

  #lookAll(): void {
    for (const key of this.#live.keys()) this.#feed(key, { kind: "looked" });
  }

  #feed(key: string, event: CanaryEvent): void {
    if (this.#isSuspended) return;
    this.#take(key, event).catch((thrown: unknown) => {
      if (this.#isSuspended) return;
      // The next look is in a second, and decides the same again.
      this.#parts.world.log.warn(
        `a step of the rollout in ${key} could not be written: ${String(thrown)}`,
      );
    });
  }

  /** @returns the row after the step, when it was this one's turn */
  async #take(
    key: string,
    event: CanaryEvent,
    refuse: (row: CanaryRow) => void = () => undefined,
  ): Promise<CanaryRow | undefined> {
    let taken:
      | { readonly live: LiveCanary; readonly step: CanaryStep; readonly position: Position }
      | undefined;
    await this.#parts.ledger.change(() => {
      const live = this.#live.get(key);
      if (!live || this.#isSuspended) return undefined;
      refuse(live.row);
      const draft = new Draft(this.#parts.ledger);
      const { view, position } = this.#sight.viewOf(draft, live.row, live.position);
      const step = stepCanary(live.row, event, view);
      taken = { live, step, position };
      if (!this.#mustWrite(live, step, view.now)) return undefined;
      live.savedAt = view.now;
      writeCanary(draft, step, view.now);
      return draft.change;
    });
    if (!taken) return undefined;
    this.#took(key, taken.live, taken.step, taken.position);
    return taken.step.row;
  }

  #mustWrite({ row, savedAt }: LiveCanary, step: CanaryStep, now: number): boolean {
    const isMoved = row.phase !== step.row.phase || row.step !== step.row.step;
    const isNew = row.deployment !== step.row.deployment || step.events.length > 0;
    return isMoved || isNew || (step.row !== row && now - savedAt >= saveMs);
  }

  /** What follows when a step is on disk. */
  #took(key: string, live: LiveCanary, { row, events, ask }: CanaryStep, position: Position): void {
    const before = live.row;
    live.row = row;
    live.position = position;
    if (row.phase === "over") this.#live.delete(key);
    for (const { text } of events) {
      for (const listener of this.#listeners) listener.noted(row, text);
    }
    if (row !== before) this.#tellChanged(row);
    if (ask) void this.#ask(key, live, ask);
  }

  /** Asks the proxies once at a time; an answer that is late finds another state, and changes nothing. */
  async #ask(key: string, live: LiveCanary, what: "see" | "apply"): Promise<void> {
    if (live.isAsking) return;
    live.isAsking = true;
    const { switchboard } = this.#parts;
    const { step, phase } = live.row;
    let event: CanaryEvent = { kind: what === "see" ? "seen" : "applied" };
    try {
      if (what === "apply") await switchboard.applied();
      else await switchboard.seen(live.row.deployment === undefined ? [] : [live.row.deployment]);
    } catch (thrown) {
      const { message, code } = toPropagitError(thrown);
      if (code === "LINK_LOST") return;
      event = { kind: "unseen", reason: message };
    } finally {
      live.isAsking = false;
    }
    const isStillAsked = live.row.step === step && live.row.phase === phase;
    if (isStillAsked && this.#live.get(key) === live) this.#feed(key, event);
  }

  #tellChanged(row: CanaryRow): void {
    for (const listener of this.#listeners) listener.changed(row);
  }
}
