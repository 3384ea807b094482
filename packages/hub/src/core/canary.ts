/**
 * A rollout by steps, as a machine: events and what is seen of releases, routes and counts in, the next
 * state and effects out. The state is a row of the ledger; shares and events are written together with it.
 *
 *     preparing --seen--> switching --applied--> measuring --time over, fine--> switching (the next step)
 *         |                   |  ^                |  |   \--time over, too little to tell--+
 *         |                   |  |          pause |  ^ resume          wait |  go |   stop |
 *         |                   |  |                v  |                      v     |        |
 *         |                   |  |              paused <--pause-- waiting --fine->|        |
 *         |                   |  \-------------------------------------(next step)/        |
 *         |                   |                                                            |
 *         |                   +--worse | dead | abort--> over: aborted, all visitors back <+
 *         |                   +--last step | promote---> over: promoted
 *         |                   +--sent elsewhere by hand-> over: ended, shares as they were made
 *         +--release failed | not seen | abort----------> over: failed | aborted
 *
 * What `switching` shows at its right holds for measuring, waiting and paused as well. An effect that a hub's
 * end interrupted is asked for again by the next look.
 */
import {
  shortCommit,
  type CanaryArm,
  type CanaryChange,
  type CanaryEvidence,
  type Share,
} from "@propagit/protocol";
import { judge, noEvidence, slowLimits } from "./canary-judgement.js";
import type { CanaryRow } from "./canary-row.js";
import { addToScatter, beginScatter } from "./canary-scatter.js";
import { isSameShares, sharesAt } from "./canary-shares.js";
import { placeName } from "./place-name.js";
import type { NewEvent, ReleaseRow } from "./rows.js";
import { leadsTo } from "./shares.js";
import type { Flow } from "./traffic-counts.js";

/** Between two looks of the hub. */
export const lookMs = 1_000;
/** Time between two looks that counts as measured at most: what is more, nobody was looking. */
const lookMsMax = 5 * lookMs;
/** Without any instance that is ready it is given up after this: a restart of the only one may pass. A guess. */
const deadMs = 2_000;
/** Answers of the first step are timed from then on: processes that just started are slow. A guess. */
const warmUpMs = 10_000;

export type CanaryEvent =
  /** Time went by, or something changed; after a restart of the hub too. */
  | { readonly kind: "looked" }
  /** Every live proxy can send visitors to it. */
  | { readonly kind: "seen" }
  | { readonly kind: "unseen"; readonly reason: string }
  /** Every live proxy goes by the shares as they were written last. */
  | { readonly kind: "applied" }
  | { readonly kind: "change"; readonly change: CanaryChange; readonly by: string };

/** What a machine looks at. */
export interface CanaryView {
  readonly now: number;
  readonly release: Pick<ReleaseRow, "state" | "reason" | "deployment"> | undefined;
  /** Where visitors are sent now. */
  readonly shares: readonly Share[];
  /** Who has most of those who do not have the new one; undefined when nobody has any. */
  readonly old: CanaryRow["old"] | undefined;
  /** Who sent them there last, in a sentence. */
  readonly sentBy: string;
  /** Whether any instance of it that visitors can be sent to is ready. */
  readonly isAlive: boolean;
  /** Counted since the last look. */
  readonly added: {
    readonly fresh: Flow;
    readonly old: Flow;
    /** Of all visitors of the old one, also of those whom it is not compared with. */
    readonly allOld: Flow;
  };
  /** What the old one did in the last minute. */
  readonly recentOld: Flow;
  /** Why what is counted now is not all: proxies that cannot be reached. Undefined: it is. */
  readonly uncounted: string | undefined;
}

export interface CanaryStep {
  readonly row: CanaryRow;
  /** Visitors in percent, to be written together with the row. */
  readonly percent?: number;
  /** Of nobody, unless it was done by hand: the rollout goes by itself. */
  readonly events: readonly Pick<NewEvent, "kind" | "text" | "by">[];
  /** To be asked of the proxies afterwards; the answer is an event. */
  readonly ask?: "see" | "apply";
}

export function stepCanary(row: CanaryRow, event: CanaryEvent, view: CanaryView): CanaryStep {
  if (row.phase === "over") return stay(row);
  if (row.phase !== "preparing" && !isAsWritten(row, view)) {
    const reason = `visitors were sent elsewhere: ${view.sentBy}`;
    return end(row, view, "ended", reason);
  }
  switch (event.kind) {
    case "looked":
      return look(row, view);
    case "seen":
      return row.phase === "preparing" ? begin(row, view) : stay(row);
    case "unseen":
      return row.phase === "preparing" ? end(row, view, "failed", event.reason) : stay(row);
    case "applied":
      if (row.phase !== "switching") return stay(row);
      return stay({ ...row, phase: "measuring", phaseAt: view.now, lookedAt: view.now });
    case "change":
      return change(row, view, event.change, event.by);
    default:
      return event satisfies never;
  }
}

/** Another one begins in its place: what visitors it has go back. */
export function supersededStep(row: CanaryRow, reason: string, now: number): CanaryStep {
  return end(row, { now }, "ended", reason, 0);
}

/** Why a change by hand cannot be made now; undefined when it can. */
export function whyNotChange(row: CanaryRow, change: CanaryChange): string | undefined {
  if (row.phase === "over") return "it is over";
  if (change === "pause") {
    if (row.phase === "preparing") return "it has no visitors yet";
    return row.phase === "paused" ? "it is paused already" : undefined;
  }
  return change === "resume" && row.phase !== "paused" ? "it is not paused" : undefined;
}

/** `release 12 (74336bc)` */
export function nameOfCanary({ release, commit }: Pick<CanaryRow, "release" | "commit">): string {
  return `release ${release} (${shortCommit(commit)})`;
}

function look(row: CanaryRow, view: CanaryView): CanaryStep {
  switch (row.phase) {
    case "preparing":
      return lookAtRelease(row, view);
    case "switching":
      return lookAtLife(row, view) ?? { ...stay(row), ask: "apply" };
    case "measuring":
    case "waiting":
    case "paused":
      return lookAtLife(row, view) ?? lookAtCounts(row, view);
    case "over":
      return stay(row);
    default:
      return row.phase satisfies never;
  }
}

function lookAtRelease(row: CanaryRow, view: CanaryView): CanaryStep {
  const { release } = view;
  const what = nameOfCanary(row);
  if (!release) return end(row, view, "failed", `${what} is no more`);
  switch (release.state) {
    case "deploying":
      return stay(row);
    case "ready":
      return { ...stay({ ...row, deployment: release.deployment }), ask: "see" };
    case "failed":
    case "cancelled":
    case "superseded": {
      const reason = release.reason ?? "no reason given";
      return end(row, view, "failed", `${what} was not ready: ${release.state}: ${reason}`);
    }
    default:
      return release.state satisfies never;
  }
}

/** Beside whoever has the visitors now; alone when nobody has. */
function begin(row: CanaryRow, view: CanaryView): CanaryStep {
  const before = view.shares.filter((share) => !leadsTo(share, row));
  const { old } = view;
  if (!old || before.length === 0) {
    const text = `nobody else has visitors in ${placeName(row)}`;
    return goTo({ ...row, text }, view, row.plan.steps.length - 1);
  }
  return goTo({ ...row, before, old }, view, row.step);
}

/** Taken back when nothing of it is left; undefined while it may go on. */
function lookAtLife(row: CanaryRow, view: CanaryView): CanaryStep | undefined {
  if (view.isAlive) return undefined;
  const deadSince = row.deadSince ?? view.now;
  const reason = `${nameOfCanary(row)} has no instance that is ready`;
  if (view.now - deadSince >= deadMs) return end(row, view, "aborted", reason, 0);
  return stay({ ...row, deadSince });
}

function lookAtCounts(before: CanaryRow, view: CanaryView): CanaryStep {
  const { deadSince: _, ...alive } = before;
  const row = counted(alive, view);
  const verdict = judge(row);
  if (verdict.kind === "worse") return end(row, view, "aborted", verdict.text, 0);
  const why = view.uncounted ?? (verdict.kind === "few" ? verdict.text : undefined);
  const seen = { ...row, text: why ?? verdict.text };
  if (row.phase === "paused") return stay(seen);
  if (row.measuredMs < row.plan.everyMs) return stay(seen);
  if (why === undefined) return goTo(seen, view, row.step + 1);
  switch (row.plan.inconclusive) {
    case "wait":
      return stay(
        row.phase === "waiting" ? seen : { ...seen, phase: "waiting", phaseAt: view.now },
      );
    case "go":
      return goTo(
        { ...seen, text: `goes on although that tells too little: ${why}` },
        view,
        row.step + 1,
      );
    case "stop":
      return end(row, view, "aborted", `too little to tell, and then it was to stop: ${why}`, 0);
    default:
      return row.plan.inconclusive satisfies never;
  }
}

/** With what was counted since the last look. */
function counted(row: CanaryRow, view: CanaryView): CanaryRow {
  const wentBy = Math.max(0, Math.min(view.now - row.lookedAt, lookMsMax));
  const measuredMs = row.phase === "measuring" ? row.measuredMs + wentBy : row.measuredMs;
  const { evidence, plan } = row;
  const isWarm = row.step > 0 || measuredMs >= Math.min(warmUpMs, plan.everyMs / 4);
  // Set by what came before, never by what it is to judge.
  const slowAbove =
    evidence.slowAbove ?? (isWarm ? slowLimits(view.recentOld.latency, plan) : undefined);
  const next: CanaryEvidence = {
    fresh: added(evidence.fresh, view.added.fresh, evidence.slowAbove?.fresh),
    old: added(evidence.old, view.added.old, evidence.slowAbove?.old),
    ...(slowAbove && { slowAbove }),
  };
  const scatter = addToScatter(row.scatter ?? beginScatter(view.now), view.added.allOld, view.now);
  return { ...row, measuredMs, lookedAt: view.now, evidence: next, scatter };
}

function added(arm: CanaryArm, flow: Flow, slowAbove: number | undefined): CanaryArm {
  const isTimed = slowAbove !== undefined;
  return {
    requests: arm.requests + flow.requests,
    failed: arm.failed + Math.min(flow.failed, flow.requests),
    timed: arm.timed + (isTimed ? flow.latency.count : 0),
    slow: arm.slow + (isTimed ? flow.latency.countAbove(slowAbove) : 0),
  };
}

function change(row: CanaryRow, view: CanaryView, what: CanaryChange, by: string): CanaryStep {
  if (whyNotChange(row, what) !== undefined) return stay(row);
  switch (what) {
    case "promote": {
      // Not ready yet: then all visitors come at once as soon as it is.
      const last = row.plan.steps.length - 1;
      const text = `${by} wants all visitors to come as soon as it is ready`;
      if (row.phase === "preparing") return stay({ ...row, step: last, text });
      return byHand(end(row, view, "promoted", `${by} promoted it`, 100), by);
    }
    case "abort":
      return byHand(end(row, view, "aborted", `${by} aborted it`, 0), by);
    case "pause":
      return stay({ ...row, phase: "paused", phaseAt: view.now, lookedAt: view.now });
    case "resume":
      // The shares may have been on their way to the proxies when it was paused.
      return { ...stay({ ...row, phase: "switching", phaseAt: view.now }), ask: "apply" };
    default:
      return what satisfies never;
  }
}

function byHand(step: CanaryStep, by: string): CanaryStep {
  return { ...step, events: step.events.map((event) => ({ ...event, by })) };
}

/** The next share, measured anew; with the last one it is over. */
function goTo(row: CanaryRow, view: CanaryView, step: number): CanaryStep {
  const percent = row.plan.steps[step] ?? 100;
  if (percent >= 100) return end({ ...row, step }, view, "promoted", row.text, 100);
  const text = `${nameOfCanary(row)} gets ${percent} % of the visitors of ${placeName(row)}`;
  const next: CanaryRow = {
    ...row,
    step,
    phase: "switching",
    phaseAt: view.now,
    lookedAt: view.now,
    measuredMs: 0,
    evidence: noEvidence,
    text,
  };
  return { row: next, percent, events: [{ kind: "rollout-step", text }], ask: "apply" };
}

type Outcome = NonNullable<CanaryRow["end"]>["outcome"];

/** The first reason stays. Without a share, visitors are left where they are. */
function end(
  row: CanaryRow,
  view: Pick<CanaryView, "now">,
  outcome: Outcome,
  reason: string,
  percent?: number,
): CanaryStep {
  const text = `rollout of ${nameOfCanary(row)} in ${placeName(row)} ${outcomeWords[outcome]}: ${reason}`;
  const isMoved = percent !== undefined && (row.phase !== "preparing" || percent > 0);
  return {
    row: {
      ...row,
      phase: "over",
      phaseAt: view.now,
      text: reason,
      end: { outcome, reason, at: view.now },
    },
    events: [{ kind: "rollout-ended", text: text.slice(0, 2_000) }],
    ...(isMoved && { percent, ask: "apply" }),
  };
}

const outcomeWords = {
  promoted: "is done, all visitors go to it",
  aborted: "is taken back",
  ended: "is over",
  failed: "failed",
} as const satisfies Record<Outcome, string>;

/** Whether visitors are sent where this rollout sent them. */
function isAsWritten(row: CanaryRow, { shares }: CanaryView): boolean {
  return isSameShares(shares, sharesAt(row, row.plan.steps[row.step] ?? 0));
}

function stay(row: CanaryRow): CanaryStep {
  return { row, events: [] };
}
