/**
 * Ends of plans in the log of events, each once: what is noted, and that it was, is one change of the ledger. So a hub
 * that dies right then says it in its next life, and not again.
 */
import { toPropagitError } from "@propagit/protocol";
import type { RunSummary } from "@propagit/plan";
import type { Log } from "@propagit/runtime";
import { Draft } from "./core/draft.js";
import { endedText } from "./core/plan-texts.js";
import type { Ledger } from "./ledger.js";

const textChars = 2_000;

export class PlanEnds {
  readonly #ledger: Ledger;
  readonly #log: Log;

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** @param all runs that there are: of others nothing is kept */
  async note(ended: readonly RunSummary[], all: readonly RunSummary[]): Promise<void> {
    try {
      await this.#ledger.change(() => this.#changeOf(ended, all));
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      // It is noted in the next life, as it is not known to have been.
      this.#log.warn(`the end of a plan is not in the log of events: ${message}`);
    }
  }

  #changeOf(ended: readonly RunSummary[], all: readonly RunSummary[]) {
    const draft = new Draft(this.#ledger);
    const known = new Set(all.map(({ run }) => run));
    for (const run of this.#ledger.rows("planEnds").keys()) {
      if (!known.has(run)) draft.delete("planEnds", run);
    }
    for (const summary of ended) {
      const { run, by, state, endedAt = 0 } = summary;
      // Who tries it again lets it end again.
      if (state !== "over" || draft.rows("planEnds").get(run)?.endedAt === endedAt) continue;
      draft.put("planEnds", run, { run, endedAt });
      draft.note({ kind: "plan-ended", by, text: endedText(summary).slice(0, textChars) });
    }
    return draft.changeIfAny;
  }
}
