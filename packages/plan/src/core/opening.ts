/**
 * What a stage waits for before it begins: its delay, then its gates in their order.
 *
 *     delay --over, or skipped--> gate 1 --open--> gate 2 … --open--> stage-begun
 *                                   |
 *                                   '--refused, or nobody approved in time--> the stage fails
 *
 * Windows and approvals are decided here; what something outside must be asked about is told from outside
 * (`gate-open`, `gate-refused`).
 */
import type { Gate, Stage } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import { isOpen, opensAt } from "./window.js";

/** Where the waiting for a stage has got to; made anew for each stage. */
export interface Opening {
  /** Gates that are open. */
  readonly gatesOpen: number;
  /** What is waited for, as it was told. */
  readonly waiting?: Waiting;
  /** Who said that delays and windows are over. */
  readonly skippedBy?: string;
  readonly approvedBy?: string;
  readonly refused?: string;
}

interface Waiting {
  /** From 1; absent for the delay. */
  readonly gate?: number;
  readonly since: number;
  readonly until?: number;
  readonly why: string;
}

/** What an opening looks at beside itself. */
export interface OpeningView {
  readonly stage: Stage;
  /** From 1. */
  readonly number: number;
  /** What the stage's delay is measured from: the beginning of the run, or the end of the stage before. */
  readonly runBeganAt: number;
  readonly formerEndedAt: number;
}

/** What happens to a stage before it begins. */
export type OpeningEvent = Extract<
  RunEvent,
  { readonly kind: "stage-waits" | "gate-open" | "gate-refused" }
>;

export const openingStart: Opening = { gatesOpen: 0 };

/** What follows now; undefined while it waits, or once it is refused. */
export function nextOfOpening(
  opening: Opening,
  view: OpeningView,
  now: number,
): RunEvent | undefined {
  if (opening.refused !== undefined) return undefined;
  const delayed = delayEvent(opening, view, now);
  if (delayed !== "over") return delayed;
  const gate = view.stage.gates[opening.gatesOpen];
  if (!gate) return { at: now, kind: "stage-begun", stage: view.number };
  return gateEvent(gate, opening, view, now);
}

/** When something follows by the time alone; undefined when that is not known. */
export function openingWakeAt(opening: Opening, view: OpeningView): number | undefined {
  const { waiting } = opening;
  if (!waiting || opening.refused !== undefined) return undefined;
  if (waiting.until !== undefined) return waiting.until;
  const gate = waiting.gate === undefined ? undefined : view.stage.gates[waiting.gate - 1];
  if (gate?.kind !== "approval" || gate.timeoutMs === undefined) return undefined;
  return waiting.since + gate.timeoutMs;
}

/** The opening after an event of its stage. */
export function foldOpening(opening: Opening, event: OpeningEvent): Opening {
  switch (event.kind) {
    case "stage-waits": {
      const { gate, until, why, at: since } = event;
      const waiting: Waiting = {
        since,
        why,
        ...(gate === undefined ? {} : { gate }),
        ...(until === undefined ? {} : { until }),
      };
      return { ...opening, waiting };
    }
    case "gate-open": {
      const { waiting: _, approvedBy: __, ...rest } = opening;
      return { ...rest, gatesOpen: event.gate };
    }
    case "gate-refused":
      return { ...opening, refused: event.why };
    default:
      return event satisfies never;
  }
}

/** Whether a delay or a window is still ahead. */
export function hasTimeAhead(opening: Opening, { stage }: OpeningView): boolean {
  if (opening.skippedBy !== undefined) return false;
  if (isDelayAhead(opening, stage)) return true;
  return stage.gates.slice(opening.gatesOpen).some(({ kind }) => kind === "window");
}

/** The gate that is waited for. */
export function gateWaitedFor({ waiting }: Opening, { stage }: OpeningView): Gate | undefined {
  return waiting?.gate === undefined ? undefined : stage.gates[waiting.gate - 1];
}

function isDelayAhead({ waiting, gatesOpen }: Opening, { after }: Stage): boolean {
  return after !== undefined && gatesOpen === 0 && waiting?.gate === undefined;
}

function delayEvent(
  opening: Opening,
  { stage, number, runBeganAt, formerEndedAt }: OpeningView,
  now: number,
): RunEvent | undefined | "over" {
  const { after } = stage;
  if (!after || !isDelayAhead(opening, stage) || opening.skippedBy !== undefined) return "over";
  const until = (after.from === "plan" ? runBeganAt : formerEndedAt) + after.ms;
  if (now >= until) return "over";
  if (opening.waiting) return undefined;
  const from = after.from === "plan" ? "the plan's beginning" : "the end of the stage before";
  const why = `its time, measured from ${from}`;
  return { at: now, kind: "stage-waits", stage: number, why, until };
}

function gateEvent(
  gate: Gate,
  opening: Opening,
  { number: stage }: OpeningView,
  now: number,
): RunEvent | undefined {
  const number = opening.gatesOpen + 1;
  const place = { at: now, stage, gate: number };
  const waiting = opening.waiting?.gate === number ? opening.waiting : undefined;
  switch (gate.kind) {
    case "window": {
      const why = windowOpens(gate.window, opening, now);
      if (why !== undefined) return { ...place, kind: "gate-open", why };
      const until = opensAt(gate.window, now);
      if (until === undefined) {
        return { ...place, kind: "gate-refused", why: "its window never opens" };
      }
      if (waiting && (waiting.until ?? 0) > now) return undefined;
      return { ...place, kind: "stage-waits", why: "its window", until };
    }
    case "approval": {
      if (!waiting) return { ...place, kind: "stage-waits", why: whoApproves(gate.by) };
      if (opening.approvedBy !== undefined) {
        return { ...place, kind: "gate-open", why: `approved by ${opening.approvedBy}` };
      }
      if (gate.timeoutMs === undefined || now < waiting.since + gate.timeoutMs) return undefined;
      return { ...place, kind: "gate-refused", why: "nobody approved it in time" };
    }
    case "http":
    case "command":
    case "health":
    case "canary":
    case "errors":
      if (waiting) return undefined;
      return { ...place, kind: "stage-waits", why: probeText(gate) };
    default:
      return gate satisfies never;
  }
}

function windowOpens(
  window: Parameters<typeof isOpen>[0],
  { skippedBy }: Opening,
  now: number,
): string | undefined {
  if (skippedBy !== undefined) return `skipped by ${skippedBy}`;
  return isOpen(window, now) ? "its window is open" : undefined;
}

function whoApproves(by: readonly string[] | undefined): string {
  return by === undefined ? "somebody's approval" : `the approval of ${by.join(" or ")}`;
}

/** What is looked at, as it is waited for. */
function probeText(gate: Exclude<Gate, { kind: "approval" | "window" }>): string {
  switch (gate.kind) {
    case "http":
      return `${gate.url} to answer ${gate.status.join(" or ")}`;
    case "command":
      return `the command ${gate.task.command} to end with ${gate.exit}`;
    case "health":
      return `${gate.service ?? "every service"} of ${gate.repo}/${gate.environment} to be healthy`;
    case "canary":
      return `the canary of ${gate.repo}/${gate.environment} to be judged`;
    case "errors":
      return `at most ${gate.maxPercent} % errors of ${gate.repo}/${gate.environment}`;
    default:
      return gate satisfies never;
  }
}
