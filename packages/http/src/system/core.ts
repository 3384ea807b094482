/** What all connections of an engine share. */
import type { Log } from "@propagit/runtime";
import type { ForwardingOptions } from "../core/forwarding.js";
import type { RequestHead } from "../core/request-head.js";
import type { Answer, AttemptFailure, Director } from "../exchange.js";
import type { AddressPlaces } from "./address-places.js";
import type { EndpointPools } from "./endpoint-pools.js";
import type { EngineLimits } from "./limits.js";
import type { Members } from "./members.js";
import type { Sweep, Ticking } from "./sweep.js";
import type { Tunnel } from "./tunnel.js";

/** Why the proxy itself has to answer. */
export interface Refusal {
  readonly kind:
    | "malformed"
    | "head-timeout"
    | "body-timeout"
    | "too-large"
    | "connect-method"
    | "unanswered"
    | "broken-director";
  readonly status: number;
  readonly reason: string;
  /** Of the last attempt, when it was unanswered. */
  readonly failure?: AttemptFailure;
  /** A director had sent it on: the observer of that hears how it ended. */
  readonly wasSentOn?: boolean;
}

export interface EngineCore {
  readonly director: Director;
  readonly refuse: (refusal: Refusal) => Answer;
  readonly log: Log;
  readonly limits: EngineLimits;
  readonly sweep: Sweep;
  readonly pools: EndpointPools;
  readonly forwarding: ForwardingOptions;
  /** Heads that are not in use. */
  readonly heads: RequestHead[];
  /** Everything with an end that `stop` has to wait for. */
  readonly visitors: Members<Visitor>;
  readonly tunnels: Members<Tunnel>;
  readonly places: AddressPlaces;
  readonly counters: { accepted: number; requests: number; shadows: number };
  isStopping: boolean;
}

/** A visitor's connection, whatever he speaks. */
export interface Visitor extends Ticking {
  readonly isIdle: boolean;
  /** Ends now if it is idle, with its next answer if not. */
  stop(): void;
  /** Ends at once. */
  destroy(): void;
}
