/**
 * What is to be said of one drone in a deploy or stop, from what was last observed of it.
 *
 * Nothing is remembered of verdicts: a drone that was ready and crashed is pending again, one that failed
 * and healed itself is ready. So the end of a deploy tells how drones are then, not how they once were.
 */
import type { InstancePhase, InstanceReport } from "@propagit/protocol";

export type Goal = "deploy" | "stop";

/**
 *     connected <--> lost --30 s--> away
 *          \--on purpose--> left         (any of them back to connected)
 */
export type Contact = "connected" | "lost" | "away" | "left";

/** One drone in a deploy or stop. */
export interface Participant {
  readonly identity: string;
  readonly drone: string;
  /** False: it was away when this began, so nobody waits for it. */
  readonly isConcerned: boolean;
  /** It ran the commit when this began. */
  readonly ranBefore: boolean;
  /** Failures known when this began (see `failureKey`): they say nothing about this attempt. */
  readonly staleFailures: readonly string[];
  readonly contact: Contact;
  /** Its instances of the commit. */
  readonly reports: readonly InstanceReport[];
}

export type Verdict =
  | { readonly kind: "pending" }
  | { readonly kind: "ready" | "unchanged"; readonly port?: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly reason: string; readonly lastLines?: string[] }
  | { readonly kind: "away"; readonly reason: string };

/** Time's-up text when the limit is over, undefined before. */
export type Lateness = string | undefined;

export function judge(goal: Goal, participant: Participant, late: Lateness): Verdict {
  const { contact, isConcerned } = participant;
  if (!isConcerned) return judgeBystander(goal, participant);
  switch (contact) {
    case "connected":
      return goal === "deploy" ? judgeDeploy(participant, late) : judgeStop(participant, late);
    case "lost":
      if (late === undefined) return { kind: "pending" };
      return { kind: "failed", reason: `the drone was lost, and ${late}` };
    case "away":
      return {
        kind: "failed",
        reason: "the drone was lost on the way; it catches up when it comes back",
      };
    case "left":
      return { kind: "away", reason: "the drone ended on the way; it catches up when it starts" };
    default:
      return contact satisfies never;
  }
}

/** Names one failure of one instance; a new attempt that fails again has another name. */
export function failureKey({ process, since, restarts }: InstanceReport): string {
  return `${process} ${since} ${restarts}`;
}

/** A drone that nobody waits for is told as it is: caught up, or still away. */
function judgeBystander(goal: Goal, participant: Participant): Verdict {
  const verdict =
    participant.contact !== "connected"
      ? undefined
      : goal === "deploy"
        ? judgeDeploy(participant, undefined)
        : judgeStop(participant, undefined);
  if (verdict && verdict.kind !== "pending" && verdict.kind !== "failed") return verdict;
  return { kind: "away", reason: "the drone was away already; it catches up when it comes back" };
}

function judgeDeploy({ reports, ranBefore, staleFailures }: Participant, late: Lateness): Verdict {
  const ready = reports.find(({ phase }) => phase === "ready");
  if (ready) return { kind: ranBefore ? "unchanged" : "ready", ...portOf(ready) };
  const isUnderWay = reports.some(({ phase }) => underWay.has(phase));
  const failed = reports.find(
    (report) => report.phase === "failed" && !staleFailures.includes(failureKey(report)),
  );
  if (failed && !isUnderWay) return { kind: "failed", ...whyOf(failed, "it failed") };
  if (late === undefined) return { kind: "pending" };
  const last = reports.find((report) => report.reason !== undefined) ?? reports[0];
  if (!last) return { kind: "failed", reason: `${late}, and the drone never said that it began` };
  return { kind: "failed", ...whyOf(last, late), reason: `${late}: ${last.reason ?? last.phase}` };
}

function judgeStop({ reports }: Participant, late: Lateness): Verdict {
  const alive = reports.find(({ phase }) => phase !== "stopped");
  if (!alive) return { kind: "stopped" };
  if (late === undefined) return { kind: "pending" };
  return { kind: "failed", reason: `${late}: ${alive.reason ?? alive.phase}` };
}

const underWay: ReadonlySet<InstancePhase> = new Set([
  "waiting",
  "fetching",
  "checking-out",
  "starting",
  "restarting",
]);

function portOf({ port }: InstanceReport): { port?: number } {
  return port === undefined ? {} : { port };
}

function whyOf(
  { reason, lastLines }: InstanceReport,
  otherwise: string,
): { reason: string; lastLines?: string[] } {
  return { reason: reason ?? otherwise, ...(lastLines && { lastLines }) };
}
