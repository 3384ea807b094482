/** Events of a run as what pictures are drawn from: stages, what they wait for, waves, a bar for each task. */
import type { TaskId } from "../plan.js";
import type { RunEvent, TaskOutcome } from "../run-event.js";
import type { Run } from "./run.js";
import { hostOf, positionOf } from "./task-place.js";

export interface AnnouncedStage {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** When its turn comes, when its tasks begin, when it ends. */
  readonly turnAt: number;
  readonly from: number;
  readonly until: number;
  /** What it waits for, in order. */
  readonly waits: readonly AnnouncedWait[];
  readonly lines: number;
  readonly waves: readonly AnnouncedWave[];
  readonly bars: readonly AnnouncedBar[];
}

export interface AnnouncedWait {
  readonly why: string;
  /** Absent: nobody can know. */
  readonly until?: number;
}

/** Lines that begin at the same time. */
export interface AnnouncedWave {
  readonly at: number;
  /** From 1. */
  readonly lines: readonly number[];
  /** Of their first tasks, each once, in order. */
  readonly hosts: readonly string[];
}

/** One task in time. */
export interface AnnouncedBar {
  readonly task: TaskId;
  readonly host: string;
  readonly command: string;
  readonly outcome: TaskOutcome;
  readonly from: number;
  readonly until: number;
}

/** Each stage while it is put together. */
interface Draft {
  turnAt: number;
  from: number;
  until: number;
  readonly waits: AnnouncedWait[];
  readonly waves: { at: number; lines: number[]; hosts: Set<string> }[];
  readonly bars: AnnouncedBar[];
  readonly began: Map<TaskId, number>;
}

export function timelineOf(run: Run, events: readonly RunEvent[]): readonly AnnouncedStage[] {
  const drafts = run.stages.map(newDraft);
  let turnAt = run.beganAt;
  for (const event of events) {
    const number = stageOf(event);
    const draft = number === undefined ? undefined : drafts[number - 1];
    if (!draft) continue;
    draft.turnAt ||= turnAt;
    add(run, draft, event);
    if (event.kind === "stage-ended") turnAt = event.at;
  }
  return run.stages.map(({ run: { stage, number } }, index) => {
    const { waves, began: _, ...draft } = drafts[index] ?? newDraft();
    return {
      number,
      name: stage.name,
      lines: stage.lines.length,
      ...draft,
      waves: waves.map((wave) => ({ ...wave, hosts: [...wave.hosts] })),
    };
  });
}

function newDraft(): Draft {
  return { turnAt: 0, from: 0, until: 0, waits: [], waves: [], bars: [], began: new Map() };
}

function stageOf(event: RunEvent): number | undefined {
  if ("stage" in event) return event.stage;
  return "task" in event ? positionOf(event.task).stage : undefined;
}

function add(run: Run, draft: Draft, event: RunEvent): void {
  const { at } = event;
  if (event.kind === "stage-begun") draft.from = at;
  if (event.kind === "stage-ended") draft.until = at;
  if (event.kind === "stage-waits") {
    const { why, until } = event;
    draft.waits.push(until === undefined ? { why } : { why, until });
  }
  if (event.kind === "task-begun") {
    draft.began.set(event.task, at);
    addToWave(run, draft, event.task, at);
  }
  if (event.kind === "task-ended") {
    const { task, outcome } = event;
    const { command, where } = run.task(task);
    const from = draft.began.get(task) ?? at;
    draft.bars.push({ task, host: hostOf(where), command, outcome, from, until: at });
  }
}

/** A line counts where its first task begins. */
function addToWave(run: Run, { waves }: Draft, id: TaskId, at: number): void {
  const { line, step } = positionOf(id);
  if (step !== 1) return;
  const last = waves.at(-1);
  const wave = last?.at === at ? last : { at, lines: [], hosts: new Set<string>() };
  if (wave !== last) waves.push(wave);
  wave.lines.push(line);
  wave.hosts.add(hostOf(run.task(id).where));
}
