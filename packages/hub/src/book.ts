/**
 * Tells proxies the book: a snapshot, or what changed since they were here last, then each change as it is
 * on disk. What changed lately is remembered, so that a proxy whose connection broke costs next to nothing
 * when it is back; a restarted hub remembers nothing, and sends everything.
 */
import type { BookUpdate, Params, Result } from "@propagit/protocol";
import { aborted, type IncomingCall } from "@propagit/runtime";
import { joinTouched, snapshotOf, touchedBy, updatesOf, type Touched } from "./core/book.js";
import type { Ledger } from "./ledger.js";

interface Step extends Touched {
  readonly revision: number;
}

/** Changes remembered: an hour of one in four seconds. A guess. */
const stepsMax = 1_000;

export class Book {
  readonly #ledger: Ledger;
  /** Names the ledger whose revisions these are. */
  readonly #name: string;
  readonly #followers = new Set<(update: BookUpdate) => void>();
  #steps: Step[] = [];
  /** Before the oldest step that is remembered. */
  #floor: number;
  #revision: number;

  constructor(ledger: Ledger, name: string) {
    this.#ledger = ledger;
    this.#name = name;
    this.#revision = ledger.revision;
    this.#floor = ledger.revision;
    ledger.listen({
      changed: (_, edits) => {
        const touched = touchedBy(edits);
        if (touched) this.#changed(touched);
      },
      happened: () => undefined,
    });
  }

  /** Of the last change of the book. */
  get revision(): number {
    return this.#revision;
  }

  /** Changes that came after a revision, as far as they are remembered. */
  behind(revision: number | undefined): number {
    if (revision === undefined) return this.#steps.length;
    return this.#steps.filter((step) => step.revision > revision).length;
  }

  /** Until the caller has had enough. */
  async follow(
    { since }: Params<"hub.routes">,
    call: IncomingCall<"hub.routes">,
  ): Promise<Result<"hub.routes">> {
    for (const update of this.#firstFor(since)) call.part(update);
    this.#followers.add(call.part);
    await aborted(call.signal);
    this.#followers.delete(call.part);
    return {};
  }

  get #at() {
    return { book: this.#name, revision: this.#revision };
  }

  #firstFor(since: Params<"hub.routes">["since"]): readonly BookUpdate[] {
    const revision = this.#revision;
    const isKnown =
      since?.book === this.#name && since.revision >= this.#floor && since.revision <= revision;
    if (!isKnown) return snapshotOf(this.#ledger, this.#at);
    const missed = this.#steps.filter((step) => step.revision > since.revision);
    return updatesOf(this.#ledger, joinTouched(missed), this.#at);
  }

  #changed(touched: Touched): void {
    this.#revision = this.#ledger.revision;
    this.#steps.push({ ...touched, revision: this.#revision });
    if (this.#steps.length > stepsMax) this.#forgetHalf();
    const updates = updatesOf(this.#ledger, touched, this.#at);
    for (const tell of this.#followers) for (const update of updates) tell(update);
  }

  #forgetHalf(): void {
    const forgotten = this.#steps.splice(0, stepsMax / 2);
    this.#floor = forgotten.at(-1)?.revision ?? this.#floor;
  }
}
