/** What visitors of a switch saw: what failed, and what was answered by a commit that had no right to. */
import type { AllowedCommits } from "./allowed.js";

export type VisitKind = "request" | "download" | "upload" | "websocket";

/** Of failures that are told; of thousands the first say enough. */
const toldMax = 20;

export class Tally {
  readonly counts: Record<VisitKind, number> = { request: 0, download: 0, upload: 0, websocket: 0 };
  failed = 0;
  forbidden = 0;
  /** The first failures, in words. */
  readonly told: string[] = [];
  readonly #allowed: AllowedCommits;
  readonly #start = performance.now();

  constructor(allowed: AllowedCommits) {
    this.#allowed = allowed;
  }

  /** A visit that was answered, by the word of header and body. */
  answered(kind: VisitKind, visit: { readonly commit: string; readonly sentAt: number }): void {
    this.counts[kind] += 1;
    if (this.#allowed.isFine(visit.commit, visit.sentAt)) return;
    this.forbidden += 1;
    const now = this.#allowed.current.map((commit) => commit.slice(0, 7)).join(", ");
    this.#tell(`${kind} answered by ${visit.commit.slice(0, 7)}, allowed: ${now}`, visit.sentAt);
  }

  wentWrong(kind: VisitKind, sentAt: number, why: string): void {
    this.counts[kind] += 1;
    this.failed += 1;
    this.#tell(`${kind} failed: ${why}`, sentAt);
  }

  #tell(text: string, sentAt: number): void {
    if (this.told.length >= toldMax) return;
    const at = ((sentAt - this.#start) / 1_000).toFixed(3);
    const took = Math.round(performance.now() - sentAt);
    this.told.push(`at ${at} s, after ${took} ms: ${text}`);
  }
}
