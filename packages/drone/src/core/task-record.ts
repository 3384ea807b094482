/**
 * What a drone writes down of a task, so that no life after this one runs it again.
 *
 *     preparing --command starts--> running --exited with 0--> finishing --artifact is at the hub--> ended
 *         \                            \                           \
 *          \----------------------------\---------------------------\--failed, cancelled, too late--> ended
 *
 * `preparing` and `finishing` may be done again from their beginning; `running` never. After the drone died:
 * what was only prepared is forgotten, a command is followed on (it outlives the drone), one whose end
 * nobody saw ends as interrupted.
 */
import { parseJson, type Params, type Result } from "@propagit/protocol";

export interface TaskRecord {
  readonly params: Params<"drone.task">;
  readonly rules: TaskRules;
  /** When it was asked for, in ms since 1970. */
  readonly takenAt: number;
  readonly stage: TaskStage;
}

/** What the manifest says of it, without the command: that may hold secrets, and is not run twice. */
export interface TaskRules {
  readonly timeoutMs: number;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly cache: readonly string[];
}

export type TaskStage =
  | { readonly kind: "preparing" }
  /** Without `identity` it was about to start. */
  | {
      readonly kind: "running";
      readonly startedAt: number;
      readonly identity?: { readonly pid: number; readonly startTime: string };
    }
  | { readonly kind: "finishing"; readonly startedAt: number; readonly artifact?: string }
  | { readonly kind: "ended"; readonly endedAt: number; readonly result: Result<"drone.task"> };

/** Results that are kept; the hub asks again within hours, if at all. */
const recordsMax = 200;

/** A record as it was written; undefined when it is something else. */
export function readRecord(text: string): TaskRecord | undefined {
  const value = parseJson(text) as Partial<TaskRecord> | undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const isWhole =
    typeof value.params?.id === "string" &&
    isTaskId(value.params.id) &&
    typeof value.rules?.timeoutMs === "number" &&
    typeof value.takenAt === "number" &&
    ["preparing", "running", "finishing", "ended"].includes(value.stage?.kind ?? "");
  return isWhole ? (value as TaskRecord) : undefined;
}

/** An id becomes the name of files. */
export function isTaskId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(id);
}

/** The oldest of those that ended, beyond what is kept. */
export function outdated(records: readonly TaskRecord[]): readonly string[] {
  const ended = records
    .flatMap(({ params, stage }) =>
      stage.kind === "ended" ? [{ id: params.id, at: stage.endedAt }] : [],
    )
    .sort((left, right) => right.at - left.at);
  return ended.slice(recordsMax).map(({ id }) => id);
}
