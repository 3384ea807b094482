/**
 * Passive health: an endpoint that could not be connected to is left out for a short while, longer each
 * time in a row. Never a reason to answer nobody: when all of a commit are out, they are tried anyway
 * (see `decision.ts`).
 *
 *     fine --connect fails--> out (1 s, 2 s, 4 s … 10 s) --time passes--> tried again --answers--> fine
 */
export type Health = ReadonlyMap<string, Outage>;

interface Outage {
  readonly failures: number;
  /** On the monotonic clock, in ms. */
  readonly until: number;
}

export const allFine: Health = new Map();

/** About as long as a restart takes; guesses. */
const outMsFirst = 1_000;
const outMsMax = 10_000;
/** After so long without another failure an outage is forgotten. */
const forgetMs = 60_000;

export function isOut(health: Health, address: string, now: number): boolean {
  const outage = health.get(address);
  return outage !== undefined && now < outage.until;
}

export function afterFailure(health: Health, address: string, now: number): Health {
  const known = health.get(address);
  // Requests that failed together are one failure.
  if (known && now < known.until) return health;
  const failures = (known?.failures ?? 0) + 1;
  const outMs = Math.min(outMsMax, outMsFirst * 2 ** Math.min(failures - 1, 10));
  const kept = [...health].filter(([, outage]) => now < outage.until + forgetMs);
  return new Map([...kept, [address, { failures, until: now + outMs }]]);
}

export function afterAnswer(health: Health, address: string): Health {
  if (!health.has(address)) return health;
  return new Map([...health].filter(([other]) => other !== address));
}
