/** Where a task is in its plan, and on which host. */
import { assert } from "@propagit/protocol";
import type { TaskId, TaskPlace } from "../plan.js";

/** Each from 1. */
export interface TaskPosition {
  readonly stage: number;
  readonly line: number;
  readonly step: number;
}

export function taskIdOf(stage: number, line: number, step: number): TaskId {
  return `${stage}.${line}.${step}`;
}

export function positionOf(id: TaskId): TaskPosition {
  const first = id.indexOf(".");
  const second = id.indexOf(".", first + 1);
  const stage = Number(id.slice(0, first));
  const line = Number(id.slice(first + 1, second));
  const step = Number(id.slice(second + 1));
  assert(stage > 0 && line > 0 && step > 0, `${id} is the id of a task`);
  return { stage, line, step };
}

/** As limits count hosts and people read them. */
export function hostOf(where: TaskPlace): string {
  switch (where.kind) {
    case "engine":
      return "engine";
    case "drone":
      return where.drone;
    case "host":
      return where.host;
    default:
      return where satisfies never;
  }
}

/** Tells a drone and a host behind ssh apart that have the same name. */
export function hostKeyOf(where: TaskPlace): string {
  return `${where.kind} ${hostOf(where)}`;
}
