/** How many requests of all failed within a time, by looking again and again at what has been counted. */

export interface Counted {
  readonly requests: number;
  readonly failed: number;
}

interface Sample extends Counted {
  readonly at: number;
}

export type ErrorRate =
  /** Not looked at for long enough yet. */
  { readonly kind: "watching"; readonly sinceMs: number } | ({ readonly kind: "rate" } & Counted);

/** Of one time; closer ones say nothing more. */
const samplesMax = 500;
/** What is looked at at the same time; the one that was looked at longest ago is forgotten. */
const placesMax = 200;

export class ErrorRates {
  readonly #places = new Map<string, Sample[]>();

  look(
    place: string,
    counted: Counted,
    { now, overMs }: { now: number; overMs: number },
  ): ErrorRate {
    const samples = this.#samplesOf(place, overMs);
    const last = samples.at(-1);
    if (!last || now - last.at >= overMs / samplesMax) samples.push({ ...counted, at: now });
    // The newest that is old enough is what the time is measured from.
    while ((samples[1]?.at ?? Infinity) <= now - overMs) samples.shift();
    const [first] = samples;
    const sinceMs = now - (first?.at ?? now);
    if (!first || sinceMs < overMs) return { kind: "watching", sinceMs };
    const { requests, failed } = counted;
    return { kind: "rate", requests: requests - first.requests, failed: failed - first.failed };
  }

  #samplesOf(place: string, overMs: number): Sample[] {
    const key = `${place} ${overMs}`;
    const samples = this.#places.get(key) ?? [];
    this.#places.delete(key);
    this.#places.set(key, samples);
    const [oldest] = this.#places.keys();
    if (this.#places.size > placesMax && oldest !== undefined) this.#places.delete(oldest);
    return samples;
  }
}
