/** What a proxy learns about an address from the requests it sends there: one for all records of an address. */
import type { AttemptFailure } from "@propagit/http";
import {
  breakerAnswered,
  breakerFailed,
  closedBreaker,
  type Breaker,
  type BreakerFailure,
} from "./breaker.js";

export interface EndpointState {
  /** `host:port`. */
  readonly address: string;
  /** Short, and says nothing about the address: names it in a visitor's cookie. */
  readonly token: string;
  /** Monotonic, in ms: when it was first heard of; minus infinity when it was there before us. */
  readonly sinceMs: number;
  readonly breaker: Breaker;
  /** Requests that it is working on, those of upgraded connections included. */
  inFlight: number;
}

/** Where a request can go: what one record of the registry says. */
export interface Target {
  readonly address: string;
  /** Empty for an endpoint that does not say. */
  readonly commit: string;
  readonly service: string;
  /** Of its metadata: where it is. */
  readonly zone?: string;
  readonly state: EndpointState;
}

/** Answers by which an app or what is in front of it says that it cannot: as Envoy's gateway failures. */
const gatewayFailures: ReadonlySet<number> = new Set([502, 503, 504]);

export function newEndpointState(address: string, token: string, sinceMs: number): EndpointState {
  return { address, token, sinceMs, breaker: closedBreaker(), inFlight: 0 };
}

export function beginAttempt({ state }: Target): void {
  state.inFlight += 1;
}

/** To be called exactly once for each attempt that began. */
export function endAttempt({ state }: Target): void {
  state.inFlight -= 1;
}

/** @returns whether the endpoint is left out from now on */
export function attemptFailed(
  { state }: Target,
  kind: AttemptFailure["kind"],
  now: number,
): boolean {
  return breakerFailed(state.breaker, now, breakerFailureOf(kind));
}

interface TellsTime {
  monotonic(): number;
}

/** The head of an answer came. */
export function attemptAnswered({ state }: Target, status: number, clock: TellsTime): void {
  // Of most answers nobody needs to know when they came.
  if (gatewayFailures.has(status)) breakerFailed(state.breaker, clock.monotonic(), "broken");
  else breakerAnswered(state.breaker);
}

function breakerFailureOf(kind: AttemptFailure["kind"]): BreakerFailure {
  switch (kind) {
    case "refused":
      return "gone";
    case "connect-timeout":
      return "silent";
    case "head-timeout":
      return "late";
    case "broken":
    case "malformed":
      return "broken";
    default:
      return kind satisfies never;
  }
}
