/**
 * The numbered past of what everybody sees, so that a watcher who was away goes on where he stood.
 *
 *     kept:  [ 41 up ][ 42 down ][ 43 up ]      a watcher at 42 gets 43; one at 40 gets 41, 42, 43;
 *                                               one at 39 gets a snapshot: 40 is no longer known
 */
import type { EndpointUpdate, Position } from "@propagit/protocol";
import type { VisibleChange } from "./table.js";

/** A change with its number. */
export type NumberedUpdate = Exclude<EndpointUpdate, { readonly kind: "snapshot" }>;

/** Changes kept for watchers that come back; as many as the store keeps. A guess. */
const historyMax = 10_000;

export class History {
  readonly #epoch: string;
  readonly #max: number;
  #revision = 0;
  // A ring: the update with revision r is at r modulo the bound.
  readonly #updates: NumberedUpdate[] = [];

  /** @param epoch names this life of the registry; revisions count within it */
  constructor(epoch: string, max = historyMax) {
    this.#epoch = epoch;
    this.#max = max;
  }

  get position(): Position {
    return { epoch: this.#epoch, revision: this.#revision };
  }

  /** Gives a change the next number. */
  add(change: VisibleChange): NumberedUpdate {
    this.#revision += 1;
    const update = { ...change, at: this.position };
    this.#updates[this.#revision % this.#max] = update;
    return update;
  }

  /** What happened after a position, or undefined when that is of another life or no longer known. */
  since({ epoch, revision }: Position): readonly NumberedUpdate[] | undefined {
    const missed = this.#revision - revision;
    if (epoch !== this.#epoch || missed < 0 || missed > this.#max) return undefined;
    return Array.from({ length: missed }, (_, index) => this.#at(revision + 1 + index));
  }

  #at(revision: number): NumberedUpdate {
    return this.#updates[revision % this.#max] as NumberedUpdate;
  }
}
