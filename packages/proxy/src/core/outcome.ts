/** What can become of a request. */
import type { Edits } from "@propagit/http";
import { errorCatalogue, type ErrorCode } from "@propagit/protocol";
import type { Target } from "./endpoint-state.js";
import type { HostPlace } from "./host-index.js";
import type { Place } from "./place.js";
import type { Policy } from "./policy.js";
import type { Variant } from "./variant.js";
import type { Visitor } from "./visitor.js";

export type Decision = Forwarding | Redirection | Maintenance | Refusal | Hold | Prove;

/** Of one shape always: it is made for every request. */
export interface Forwarding {
  readonly kind: "forward";
  /** What led there; only visitors of `shares` and `experiment` are counted as visitors of the route. */
  readonly how: "shares" | "experiment" | "pin" | "caller" | "name";
  readonly place: Place;
  readonly policy: Policy;
  readonly way: HostPlace;
  readonly variant: Variant;
  readonly target: Target;
  /** `experiment=variant, …`: the app is told, and the log. */
  readonly label: string | undefined;
  /** Counted apart, to be compared with a new commit. */
  readonly isControl: boolean;
  /** Path and query for the app; absent: as sent. */
  readonly requestTarget: string | undefined;
  readonly visitor: Visitor | undefined;
  readonly requestEdits: Edits;
  readonly answerEdits: Edits;
  readonly shadow: Target | undefined;
  /** To be tried by a copy, if this is a request of which one may be made. */
  readonly probe: Target | undefined;
}

export interface Redirection {
  readonly kind: "redirect";
  readonly place: Place;
  readonly status: number;
  readonly location: string;
}

export interface Maintenance {
  readonly kind: "maintenance";
  readonly place: Place;
  readonly text: string;
  readonly isHtml: boolean;
  readonly retryAfterSeconds?: number;
}

export interface Refusal {
  readonly kind: "refuse";
  readonly code: ErrorCode;
  readonly message: string;
  readonly place?: Place;
  readonly retryAfterSeconds?: number;
  /** Value of WWW-Authenticate. */
  readonly challenge?: string;
}

/** To be asked again when the table changed, at the latest after `leftMs`. */
export interface Hold {
  readonly kind: "hold";
  readonly place: Place;
  readonly leftMs: number;
}

/** A password is to be checked, which takes long; to be asked again with the outcome. */
export interface Prove {
  readonly kind: "prove";
  readonly place: Place;
  readonly name: string;
  readonly password: string;
  /** As rules write it: `scrypt$N$r$p$SALT$KEY`. */
  readonly hash: string;
  /** Whose guesses are counted together; see `visitorNetwork`. */
  readonly from: string;
}

export function refuse(code: ErrorCode, message: string, more: Partial<Refusal> = {}): Refusal {
  return { kind: "refuse", code, message, ...more };
}

export function statusOf({ code }: Refusal): number {
  return errorCatalogue[code].status;
}

/** Headers that a refusal has beside those of every answer: names and values in turn. */
export function refusalHeaders({ retryAfterSeconds, challenge }: Refusal): string[] {
  return [
    ...(retryAfterSeconds === undefined ? [] : ["Retry-After", String(retryAfterSeconds)]),
    ...(challenge === undefined ? [] : ["WWW-Authenticate", challenge]),
  ];
}
