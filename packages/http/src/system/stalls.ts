/** How long an exchange may say nothing, and whose silence it is. */
import type { Timeouts } from "../exchange.js";
import type { EngineLimits } from "./limits.js";
import type { Transport } from "./transport.js";
import type { VisitorSide } from "./visitor-side.js";

/** Slower visitors than 1 KB/s are not waited for: a byte for each ms. */
const bytesPerMsMin = 1;

/** How long a visitor may take for what waits for him; 0 when nothing does. */
export function patienceMs(pendingBytes: number, { bodyMs }: EngineLimits): number {
  return pendingBytes === 0 ? 0 : bodyMs + pendingBytes / bytesPerMsMin;
}

export interface Stall {
  readonly whose: "visitor" | "endpoint";
  readonly reason: string;
}

export interface Silence {
  readonly visitor: VisitorSide;
  readonly silentMs: number;
  readonly limits: EngineLimits;
  readonly timeouts: Timeouts | undefined;
}

/** Before the head of the answer. */
export function stallBeforeAnswer(
  { visitor, silentMs, limits, timeouts }: Silence,
  endpoint: Transport,
): Stall | undefined {
  const { head, isBodyDone, bodyBytes } = visitor;
  const isContinueAwaited = head.expectsContinue && bodyBytes === 0;
  if (!isBodyDone && endpoint.isFlushed && !isContinueAwaited) {
    if (silentMs < limits.bodyMs) return undefined;
    const reason = `the request's body stopped coming for ${limits.bodyMs / 1000} s`;
    return { whose: "visitor", reason };
  }
  const headMs = timeouts?.headMs ?? limits.answerHeadMs;
  if (silentMs < headMs) return undefined;
  return { whose: "endpoint", reason: `it did not answer within ${headMs / 1000} s` };
}

/** Within the body of the answer. */
export function stallInAnswer(silence: Silence): Stall | undefined {
  const { visitor, silentMs, limits, timeouts } = silence;
  const { pendingBytes } = visitor;
  if (pendingBytes > 0) {
    if (silentMs < patienceMs(pendingBytes, limits)) return undefined;
    const reason = `the visitor took nothing for ${Math.round(silentMs / 1000)} s`;
    return { whose: "visitor", reason };
  }
  const idleMs = timeouts?.idleMs ?? limits.answerIdleMs;
  if (silentMs < idleMs) return undefined;
  return { whose: "endpoint", reason: `its answer stopped for ${idleMs / 1000} s` };
}
