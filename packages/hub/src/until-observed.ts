/** Waiting for something of the drones to become true. */
import type { Clock } from "@propagit/runtime";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";

export interface UntilOptions {
  readonly clock: Clock;
  readonly fleet: Fleet;
  /** Given: it looks after each change of it, too. */
  readonly ledger?: Pick<Ledger, "listen">;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Drones that were connected before the hub was started are back, or are waited for no longer. */
export function untilBack(options: UntilOptions): Promise<boolean> {
  return untilObserved(options, () =>
    options.fleet.members.every(({ contact }) => contact !== "lost"),
  );
}

/** Looks at once and after each change of a drone, or of the ledger when that matters; false when the time is up, or nobody waits any more. */
export function untilObserved(
  { clock, fleet, ledger, limitMs, signal }: UntilOptions,
  look: () => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isTrue: boolean) => {
      listening.stop();
      reading?.stop();
      timer.cancel();
      signal.removeEventListener("abort", givenUp);
      resolve(isTrue);
    };
    const again = () => {
      if (look()) end(true);
    };
    const givenUp = () => end(false);
    const timer = clock.after(limitMs, givenUp);
    const listening = fleet.listen({ observed: again, contact: again });
    const reading = ledger?.listen({ changed: again, happened: () => undefined });
    signal.addEventListener("abort", givenUp, { once: true });
    if (signal.aborted) givenUp();
    else again();
  });
}
