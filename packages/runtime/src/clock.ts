/** Time as it comes in from outside: real in `system/`, virtual in `simulated/`. */
import { PropagitError } from "@propagit/protocol";

export interface Clock {
  /** Milliseconds since 1970. May jump when somebody sets the machine's clock. */
  now(): number;
  /** Milliseconds from an arbitrary start; never jumps. For measuring and for deadlines. */
  monotonic(): number;
  /** Calls `action` once after `delayMs`; never before this function returned. */
  after(delayMs: number, action: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** As people read it: at most one decimal. */
function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** @param signal ends it early */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(delayMs, end);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}

/**
 * A promise that fails when it takes too long; the work itself is not stopped.
 *
 * @throws TIMED_OUT saying what was waited for
 */
export async function within<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  work: Promise<T>,
): Promise<T> {
  let timer: Timer | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = clock.after(limitMs, () => {
      reject(new PropagitError("TIMED_OUT", `${what} took longer than ${seconds(limitMs)} s`));
    });
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    timer?.cancel();
  }
}
