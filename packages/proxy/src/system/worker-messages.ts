/**
 * What the thread that follows hub and registry, and those that serve, tell one another. Plain data: it is
 * copied on its way. In order, so an answer says that all that was told before it has been taken.
 */
import type { StopOptions } from "@propagit/http";
import type { ErrorData, TrafficCount } from "@propagit/protocol";
import type { Staleness } from "../answers.js";
import type { ConnectionSample } from "../core/metrics-text.js";
import type { Feed } from "../feed.js";
import type { Tally } from "../core/tallies.js";
import type { CertificateState } from "./certificates.js";
import type { ServerSettings } from "./server.js";

/** What a worker begins with. */
export interface WorkerStart {
  /** A listening socket of its own. */
  readonly fd: number;
  /** Another one for TLS. */
  readonly tlsFd?: number;
  readonly certificates: CertificateState;
  readonly settings: ServerSettings;
  /** All that is known. */
  readonly feeds: readonly Feed[];
  readonly awareness: AwarenessState;
}

export interface AwarenessState {
  readonly stale: Staleness;
  /** Why nobody may be served now. */
  readonly blocked?: ErrorData;
}

export type ToWorker =
  | { readonly kind: "feed"; readonly feed: Feed }
  | { readonly kind: "certificates"; readonly state: CertificateState }
  | { readonly kind: "awareness"; readonly awareness: AwarenessState }
  /** Answered with 0 once everything before it is taken. */
  | { readonly kind: "ping"; readonly id: number }
  | { readonly kind: "in-flight"; readonly id: number; readonly addresses: ReadonlySet<string> }
  | {
      readonly kind: "end-tunnels";
      readonly addresses: ReadonlySet<string>;
      readonly graceMs: number;
    }
  /** Accept no more; what is under way goes on. */
  | { readonly kind: "hand-over" }
  | { readonly kind: "stop"; readonly options: StopOptions | undefined };

export type FromWorker =
  | { readonly kind: "listening" }
  /** It cannot begin; the thread ends. */
  | { readonly kind: "failed"; readonly error: ErrorData }
  | { readonly kind: "answer"; readonly id: number; readonly value: number }
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly message: string }
  | {
      readonly kind: "counts";
      readonly counts: readonly TrafficCount[];
      /** What was added since they were told last. */
      readonly tallies: readonly Tally[];
      readonly connections: ConnectionSample;
    }
  | { readonly kind: "access"; readonly lines: string };
