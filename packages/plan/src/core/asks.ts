/** Which asks make sense of a run as it stands; else why not. */
import type { RunAsk } from "../run-event.js";
import { gateWaitedFor, hasTimeAhead } from "./opening.js";
import { hasUndo } from "./rollback.js";
import type { Run } from "./run.js";
import { handOnCommand } from "./plan-targets.js";
import { isLacking, type StageProgress } from "./run-fold.js";

export interface AskRefusal {
  /** It makes no sense now, or it is not for who asks. */
  readonly kind: "not-now" | "not-yours";
  readonly why: string;
}

/** Undefined when it may be asked. */
export function refusalOf(run: Run, ask: RunAsk, by: string): AskRefusal | undefined {
  const why = whyNotNow(run, ask);
  if (why !== undefined) return { kind: "not-now", why };
  if (ask.kind !== "approve") return undefined;
  const approvers = approversOf(run);
  if (approvers === undefined || approvers.includes(by)) return undefined;
  return {
    kind: "not-yours",
    why: `it is for ${approvers.join(" or ")} to approve, not for ${by}`,
  };
}

function whyNotNow(run: Run, ask: RunAsk): string | undefined {
  if (ask.kind === "retry") return whyNoRetry(run, ask.force ?? false);
  if (run.state === "over") return ask.kind === "stop" ? whyNoUndo(run, ask) : overText(run);
  if (run.state === "queued" && ask.kind !== "stop")
    return "it has not begun: it waits for its turn";
  switch (ask.kind) {
    case "pause":
      if (run.stopping) return "it is being stopped";
      return run.isPaused ? "it is paused already" : undefined;
    case "resume":
      return run.isPaused ? undefined : "it is not paused";
    case "stop":
      return whyNoStop(run, ask);
    case "skip-wait":
      return whyNoSkip(run);
    case "approve":
      return whyNoApproval(run);
    default:
      return ask satisfies never;
  }
}

function whyNoApproval(run: Run): string | undefined {
  if (approvalGate(run)) return undefined;
  const { approvedBy } = run.opening;
  if (approvedBy === undefined) return `it waits for no approval${waitsForText(run)}`;
  return `${approvedBy} approved it already${run.isPaused ? ", and it waits to be resumed" : ""}`;
}

function whyNoStop(run: Run, ask: Extract<RunAsk, { kind: "stop" }>): string | undefined {
  if (ask.undo && run.rollback !== undefined) return "it is being rolled back already";
  const { stopping } = run;
  if (!stopping) return undefined;
  const isMore = (ask.undo && !stopping.undo) || (ask.now === true && !stopping.now);
  return isMore ? undefined : "it is being stopped already";
}

/** Of a run that is over can only be taken back what it did, once, and only when it did not come to its end. */
function whyNoUndo(run: Run, { undo }: Extract<RunAsk, { kind: "stop" }>): string | undefined {
  if (!undo || run.outcome === "done" || run.outcome === "undone") return overText(run);
  if (run.rollback !== undefined) {
    return "it was rolled back, and that failed: try what failed of it again with `plans retry`";
  }
  return hasUndo(run) ? undefined : "nothing that it did can be taken back";
}

function overText({ outcome }: Run): string {
  return `it is over: ${outcome}`;
}

function whyNoSkip(run: Run): string | undefined {
  if (run.stopping) return "it is being stopped";
  const { current, openingView: view } = run;
  const isDelayed = current?.run.delayedUntil !== undefined;
  if (current?.state === "running" && (isDelayed || handsOn(run))) return undefined;
  if (!current || !view || current.state === "running" || current.beganAt !== undefined) {
    return "no stage waits";
  }
  return hasTimeAhead(run.opening, view)
    ? undefined
    : `stage ${current.run.stage.name} waits for no time${waitsForText(run)}`;
}

function whyNoRetry(run: Run, isForced: boolean): string | undefined {
  if (run.state === "queued") return "it has not begun: it waits for its turn";
  if (run.state !== "over" && run.stopping) return "it is being stopped";
  if (run.outcome === "undone") return "what it did was put back; plan it anew";
  const isOver = run.state === "over";
  const lacking = isOver ? run.part.filter(isLacking) : currentFailed(run);
  if (lacking.length === 0) {
    if (isOver) return "nothing of it failed";
    return handsOn(run) ? undefined : "nothing of the stage that runs has failed";
  }
  const unknown = lacking.find((one) => one.run.unknown)?.run.unknown;
  if (!unknown || isForced) return undefined;
  return (
    `${unknown.task} may run only once, and it cannot be known whether it did: ` +
    "look at what it does, then say it again with --force"
  );
}

/** What failed for good, and what is tried again by itself, later. */
function currentFailed({ current }: Run): readonly StageProgress[] {
  if (current?.state !== "running") return [];
  const { linesFailed, counts } = current.run;
  return linesFailed + counts.retrying > 0 ? [current] : [];
}

/** A part of it is carried out elsewhere: what is asked is heard there, where something may wait or have failed. */
function handsOn(run: Run): boolean {
  for (const id of run.underWay) if (run.task(id).command === handOnCommand) return true;
  return false;
}

/** The gate that somebody is to open now. */
export function approvalGate(run: Run) {
  const { openingView: view, current } = run;
  if (!view || run.stopping || current?.state !== "waiting") return undefined;
  const gate = gateWaitedFor(run.opening, view);
  return gate?.kind === "approval" && run.opening.approvedBy === undefined ? gate : undefined;
}

function approversOf(run: Run): readonly string[] | undefined {
  return approvalGate(run)?.by;
}

function waitsForText(run: Run): string {
  const { waiting } = run.opening;
  return waiting && run.current?.state === "waiting" ? `: it waits for ${waiting.why}` : "";
}
