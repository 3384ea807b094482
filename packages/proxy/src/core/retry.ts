/** Whether a request that failed is tried once more. */
export interface Failure {
  readonly method: string;
  readonly hasBody: boolean;
  /** From 1. */
  readonly attempt: number;
  /** Whether a byte of the request may have left. */
  readonly wasSent: boolean;
  /** Whether a byte of an answer came. */
  readonly wasAnswered: boolean;
}

const attemptsMax = 2;
/** Doing these twice is doing them once (RFC 9110, section 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/**
 * Once, and only when the app cannot have acted on it, or acting twice is the same: a kept connection
 * that the app closed at that moment looks just like an app that died over the request.
 */
export function mayRetry(failure: Failure): boolean {
  if (failure.attempt >= attemptsMax || failure.wasAnswered) return false;
  if (!failure.wasSent) return true;
  return !failure.hasBody && idempotent.has(failure.method);
}
