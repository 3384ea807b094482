/** What a decision is made from: the request, what came of earlier answers, and what the thread knows. */
import type { RequestView } from "@propagit/http";
import type { RouteTable } from "./route-table.js";

/** Of a request only this; a whole `RequestView` is one. */
export type Question = Pick<
  RequestView,
  "method" | "target" | "host" | "isSecure" | "address" | "header"
>;

/** What came of a `hold` or `prove` that was answered to the same request. */
export interface Progress {
  /** Since it was held first, in ms. */
  readonly heldMs?: number;
  /** Whether the password fits that hash: rules may have changed meanwhile. */
  readonly proof?: { readonly hash: string; readonly fits: boolean };
}

/** One for a thread: `now` is set before each decision, so that nothing is made for it. */
export interface Situation {
  readonly table: RouteTable;
  /** Monotonic, in ms. */
  readonly now: number;
  /** A number in [0, 1). */
  fraction(): number;
  /** Of `visitorChars` lower-case hex digits. */
  newVisitor(): string;
}
