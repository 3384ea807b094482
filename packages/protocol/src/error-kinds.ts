/** What an error of the catalogue means to whoever gets it: exit codes, statuses, words. */

/** Exit codes of `propagit` and `registry`; 130 (interrupted) comes from the shell's own convention. */
export const exitCodes = {
  ok: 0,
  internal: 1,
  usage: 2,
  denied: 3,
  unreachable: 4,
  notFound: 5,
  conflict: 6,
  failed: 7,
  machine: 8,
  protocol: 9,
} as const;

export interface ErrorKind {
  /** Exit code of a command that ends with this error. */
  readonly exit: number;
  /** HTTP status where the error answers a request. */
  readonly status: number;
  /** One line for `docs/errors.md`: when it happens. */
  readonly when: string;
  /** What to try next, if nothing better is known where it is raised. */
  readonly hint: string;
  /** Asked again, the same is refused again, until a person changes something. */
  readonly isRefusal: boolean;
}

/** @param exit one of `exitCodes` */
export function kind(exit: number, status: number, when: string, hint: string): ErrorKind {
  // What is written wrongly stays wrong.
  return { exit, status, when, hint, isRefusal: exit === exitCodes.usage };
}

/** One who could do it will not, whenever he is asked. */
export function refusal(exit: number, status: number, when: string, hint: string): ErrorKind {
  return { ...kind(exit, status, when, hint), isRefusal: true };
}
