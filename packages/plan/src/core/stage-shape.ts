/** A stage as it is written, and as it is carried out. */
import {
  choice,
  described,
  list,
  mapOr,
  mapped,
  named,
  object,
  oneOrMany,
  placed,
  withDefault,
  type Placed,
  type Problems,
  type Shape,
  type ValueOf,
} from "@propagit/shapes";
import { taskIdOf } from "./task-place.js";
import type { Commands } from "../command.js";
import type { Stage, StageDelay } from "../plan.js";
import { gateShape, type UnplacedGate } from "./gate-shape.js";
import { tasksMax } from "./plan-limits.js";
import { share, title, wait, type Share } from "./plan-words.js";
import { askShape, taskShape, type UnplacedTask } from "./task-shape.js";

/** A stage whose tasks and gates have no place in the plan yet. */
export type UnplacedStage = Omit<Stage, "lines" | "gates"> & {
  readonly lines: readonly (readonly UnplacedTask[])[];
  readonly gates: readonly UnplacedGate[];
};

const tasksOfLineMax = 1_000;
const gatesMax = 20;

const delayMap = object({
  plan: described("From the beginning of the plan.", wait()),
  stage: described("From the end of the stage before.", wait()),
});
/** `60m`, or from where it is measured. */
const after: Shape<StageDelay> = mapped(
  mapOr(delayMap, wait()),
  (value, at, where, problems): StageDelay | undefined => {
    if (typeof value === "number") return { ms: value, from: "stage" };
    const { plan, stage } = value;
    if (plan !== undefined && stage === undefined) return { ms: plan, from: "plan" };
    if (stage !== undefined && plan === undefined) return { ms: stage, from: "stage" };
    problems.add(at, `${named(where)} has either \`plan\` or \`stage\``);
    return undefined;
  },
);

/** By which the published schema says them once; see json-schema.ts. */
export interface StageParts {
  readonly task: Shape<UnplacedTask>;
  readonly ask: Shape<UnplacedTask>;
}

export function stagePartsOf(commands: Commands): StageParts {
  return { task: taskShape(commands), ask: askShape(commands) };
}

function lineShape(task: Shape<UnplacedTask>) {
  return placed(
    mapped(oneOrMany(task, tasksOfLineMax), (tasks, at, where, problems) => {
      if (tasks.length === 0) problems.add(at, `${named(where)} is an empty list`);
      if (tasks.some(({ afterMs }, step) => step > 0 && afterMs !== undefined)) {
        problems.add(
          at,
          `${named(where)}: only the first task of a list can wait \`after\` a time`,
        );
      }
      return tasks;
    }),
  );
}

function stageMap({ task, ask }: StageParts) {
  return object(
    {
      name: described("Shown wherever the stage is; unique in its plan.", title),
      concurrency: withDefault(
        described(
          "Tasks at the same time: a number, or a part of the lines such as 25% (1).",
          share(1),
        ),
        1,
      ),
      concurrencyPerHost: described(
        "Of them, on one drone or host (as many as `concurrency`).",
        share(1),
      ),
      after: described("Time that must have passed since the stage before: 60m.", after),
      gate: described(
        "What must be so before it begins; of several, one after the other.",
        oneOrMany(gateShape(ask), gatesMax),
      ),
      maxFailures: withDefault(
        described("Lines that may fail before nothing new starts: 1, or 10% (0).", share(0)),
        0,
      ),
      onFailure: withDefault(
        described(
          "What becomes of the plan when more have failed (stop).",
          choice("stop", "rollback", "continue"),
        ),
        "stop",
      ),
      tasks: described(
        "Side by side within the limits; a list within the list is done one after the other.",
        list(lineShape(task), tasksMax),
      ),
    },
    ["name", "tasks"],
  );
}

type WrittenStage = ValueOf<ReturnType<typeof stageMap>>;

export function stageShape(parts: StageParts): Shape<UnplacedStage> {
  return mapped(stageMap(parts), (stage, _, where, problems): UnplacedStage => {
    const { name, tasks, onFailure, gate = [] } = stage;
    const lines = tasks.map(({ value }) => value);
    checkTwins(tasks, where, problems);
    return {
      name,
      ...limitsOf(stage, lines.length),
      ...(stage.after && { after: stage.after }),
      gates: gate,
      onFailure,
      lines,
    };
  });
}

type LimitNames = "concurrency" | "concurrencyPerHost" | "maxFailures";

/** Parts of the lines as numbers: a limit is rounded up, what may fail is rounded down. */
function limitsOf(stage: WrittenStage, lines: number): Pick<Stage, LimitNames> {
  const atLeastOne = (share: Share) =>
    "count" in share ? share.count : Math.max(1, Math.ceil((lines * share.percent) / 100));
  const { concurrency, concurrencyPerHost = concurrency, maxFailures } = stage;
  return {
    concurrency: atLeastOne(concurrency),
    concurrencyPerHost: atLeastOne(concurrencyPerHost),
    maxFailures:
      "count" in maxFailures ? maxFailures.count : Math.floor((lines * maxFailures.percent) / 100),
  };
}

/**
 * The same line twice in one stage: two that do the same to one host at the same time. An ancestor dropped the
 * second without a word.
 */
function checkTwins(
  lines: readonly Placed<readonly UnplacedTask[]>[],
  where: string,
  problems: Problems,
): void {
  const seen = new Map<string, number>();
  for (const [index, { value, at }] of lines.entries()) {
    const content = JSON.stringify(value.map((task) => ({ ...task, tags: undefined })));
    const first = seen.get(content);
    if (first === undefined) seen.set(content, index);
    else problems.add(at, twins(`${where}.tasks`, index, first));
  }
}

function twins(where: string, index: number, first: number): string {
  return `\`${where}[${index}]\` is the same as \`${where}[${first}]\`, at the same time; write them as one list to have them done in turn`;
}

/** With the places that its tasks have in the plan. */
export function placedStage(stage: UnplacedStage, number: number): Stage {
  const { lines, gates } = stage;
  return {
    ...stage,
    gates: gates.map((gate, index) =>
      gate.kind === "command"
        ? { ...gate, task: { ...gate.task, id: `${number}.gate${index + 1}` } }
        : gate,
    ),
    lines: lines.map((line, index) =>
      line.map((task, step) => ({ ...task, id: taskIdOf(number, index + 1, step + 1) })),
    ),
  };
}
