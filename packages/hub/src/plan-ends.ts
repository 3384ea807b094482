/**
 * Ends of plans in the log of events, each once: what is noted, and that it was, is one change of the ledger. So a hub
 * that dies right then says it in its next life, and not again.
 */
import { toPropagitError } from "@propagit/protocol";
import type { RunSummary } from "@propagit/plan";
import type { Log } from "@propagit/runtime";
import { Draft, type LedgerRows } from "./core/draft.js";
import { endedText } from "./core/plan-texts.js";
import type { LedgerChange, NewEvent } from "./core/rows.js";
import { forgetSteps } from "./core/step-edits.js";
import type { Ledger } from "./ledger.js";

const textChars = 2_000;

export interface PlanEndsParts {
  readonly ledger: Ledger;
  readonly log: Log;
  /** How an end is told of plans that are told in words of their own; undefined: as of any. */
  readonly eventOf: (summary: RunSummary) => Promise<NewEvent | undefined>;
}

export class PlanEnds {
  readonly #parts: PlanEndsParts;

  constructor(parts: PlanEndsParts) {
    this.#parts = parts;
  }

  /** One of which the log of events need not say that it ended. @param all as in `note` */
  async know({ run, endedAt = 0 }: RunSummary, all: readonly RunSummary[]): Promise<void> {
    await this.#write(async () => () => {
      const draft = this.#draftOf(all);
      draft.put("planEnds", run, { run, endedAt });
      return draft.change;
    });
  }

  /** @param all runs that there are: of others nothing is kept, nor steps that those which are over have written */
  async note(ended: readonly RunSummary[], all: readonly RunSummary[]): Promise<void> {
    const fresh = ended.filter((one) => !this.#isNoted(this.#parts.ledger, one));
    await this.#write(async () => {
      const events = new Map<string, NewEvent>();
      for (const summary of fresh) {
        events.set(summary.run, (await this.#parts.eventOf(summary)) ?? eventOf(summary));
      }
      return () => this.#changeOf(ended, all, events);
    });
  }

  /** @param prepare finds out what the change needs, before its turn */
  async #write(prepare: () => Promise<() => LedgerChange | undefined>): Promise<void> {
    const { ledger, log } = this.#parts;
    try {
      await ledger.change(await prepare());
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      // It is noted in the next life, as it is not known to have been.
      log.warn(`the end of a plan is not in the log of events: ${message}`);
    }
  }

  #changeOf(
    ended: readonly RunSummary[],
    all: readonly RunSummary[],
    events: ReadonlyMap<string, NewEvent>,
  ) {
    const draft = this.#draftOf(all);
    for (const summary of ended) {
      const { run, endedAt = 0 } = summary;
      if (this.#isNoted(draft, summary)) continue;
      draft.put("planEnds", run, { run, endedAt });
      draft.note(events.get(run) ?? eventOf(summary));
    }
    return draft.changeIfAny;
  }

  #draftOf(all: readonly RunSummary[]): Draft {
    const draft = new Draft(this.#parts.ledger);
    const known = new Set(all.map(({ run }) => run));
    for (const run of draft.rows("planEnds").keys()) {
      if (!known.has(run)) draft.delete("planEnds", run);
    }
    forgetSteps(draft, all);
    return draft;
  }

  /** Who tries it again lets it end again. */
  #isNoted(rows: LedgerRows, { run, state, endedAt = 0 }: RunSummary): boolean {
    return state !== "over" || rows.rows("planEnds").get(run)?.endedAt === endedAt;
  }
}

function eventOf(summary: RunSummary): NewEvent {
  const text = endedText(summary).slice(0, textChars);
  return { kind: "plan-ended", by: summary.by, text };
}
