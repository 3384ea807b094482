/**
 * Whether a plan of a release, edited by hand or not, does exactly what it says. It is held against the plan that would
 * be made now; what of it may be another is what a release leaves open:
 *
 *     open ── build ── test ── release step ── [start ── wait-healthy] ── … ── visitors | end
 *     |______ as they would be made _______|   |__ once for each wave _|      |_ as made __|
 *
 *     beside them, between them and behind them: tasks and stages of whoever edits it, gates, delays, names
 *
 * Anything else a release would not do although the plan says it: a wave that leaves a drone out would get it to that
 * drone all the same when the release is ready, another number is no release.
 */
import { canonicalJson } from "@propagit/protocol";
import type { Plan, Stage, Task } from "@propagit/plan";
import { isReleaseCommand } from "../release-progress.js";
import { problemsOfWaves, type ReleasePlaces } from "./edited-waves.js";
import {
  isAhead,
  nameOf,
  partsOf,
  stepsOf,
  waveBegins,
  type ReleaseStep,
} from "./release-parts.js";

/** More are the same again. */
const problemsMax = 20;

/**
 * Nothing when it may begin.
 *
 * @param made the plan as it would be made now
 */
export function problemsOfRelease(
  plan: Plan,
  made: Plan,
  places: ReleasePlaces,
): readonly string[] {
  if (made.stages.length === 0) {
    const all = "all of it runs already, so that nothing of a release would be done";
    return plan.stages.length === 0 ? [] : [all];
  }
  const steps = stepsOf(plan.stages);
  const order = problemsOfOrder(steps, made);
  const problems = [
    ...order,
    ...steps.flatMap(problemsOfStep),
    ...problemsOfStages(plan.stages),
    // Which wave is which is clear only then.
    ...(order.length === 0 ? problemsOfWaves(steps, made, places) : []),
    ...problemsOfRollback(plan, made),
  ];
  return [...new Set(problems)].slice(0, problemsMax);
}

/** All of a release is there, in its order, and says what it would say. */
function problemsOfOrder(steps: readonly ReleaseStep[], made: Plan): readonly string[] {
  const { head, wave, tail, ahead } = partsOf(made);
  const waves = Math.max(1, steps.filter(({ task }) => task.command === waveBegins).length);
  const repeated = Array.from({ length: waves }, () => wave).flat();
  const wanted = [...head, ...repeated, ...tail];
  const given = steps.filter(({ task }) => !isAhead(task, ahead));
  const problems = steps.flatMap(({ task }) => {
    const same = ahead.find(({ command }) => command === task.command);
    return isAhead(task, ahead) && same ? differenceOf(task, same) : [];
  });
  for (const [index, should] of wanted.entries()) {
    const task = given[index]?.task;
    if (!task) return [...problems, lacking(should)];
    if (task.command !== should.command) {
      return [...problems, `${nameOf(task)}: ${should.command} must come before it`];
    }
    problems.push(...differenceOf(task, should));
  }
  const more = given[wanted.length]?.task;
  return more ? [...problems, `${nameOf(more)}: the release is over before it`] : problems;
}

function lacking({ command }: Task): string {
  return `it lacks ${command}, without which it is no release`;
}

/** Which drones it says is another question. */
function differenceOf(task: Task, should: Task): readonly string[] {
  const keys = [...new Set([...Object.keys(should.args), ...Object.keys(task.args)])];
  return keys
    .filter((key) => key !== "drones")
    .filter((key) => textOf(task.args[key]) !== textOf(should.args[key]))
    .map((key) => {
      const says = task.args[key] === undefined ? "is missing" : `is ${textOf(task.args[key])}`;
      const wanted = should.args[key];
      const would =
        wanted === undefined ? "and would not be there" : `and would be ${textOf(wanted)}`;
      return `${nameOf(task)}: \`${key}\` ${says}, ${would}: that is for its \`request\` to say`;
    });
}

function textOf(value: unknown): string {
  return value === undefined ? "" : canonicalJson(value);
}

/** Said of any other task it would hold; a release is tried once, by the hub, and as a whole. */
function problemsOfStep({ task, stage }: ReleaseStep): readonly string[] {
  const problems: string[] = [];
  if (task.where.kind !== "engine") problems.push("the hub does this, and no drone or host");
  if (task.continueOnFail) problems.push("a release does not go on without it (`continueOnFail`)");
  if (task.retryDelaysMs.length > 0) {
    problems.push("what has failed of a release is put back, and not tried again (`retries`)");
  }
  const beside = stage.lines.filter((line) =>
    line.some(({ command }) => isReleaseCommand(command)),
  );
  if (beside.length > 1) {
    problems.push("parts of a release are done in turn: write those of one stage as one list");
  }
  return problems.map((problem) => `${nameOf(task)}: ${problem}`);
}

const limitsNothing =
  "drones of a wave get a release together (`concurrency`): how many at a time is for its waves to say, by `drones`, `--waves` or a service's `minUp`";

/** What fails before the release is there puts it back; what fails afterwards cannot. */
function problemsOfStages(stages: readonly Stage[]): readonly string[] {
  const own = stages.map(({ lines }) =>
    lines.some((line) => line.some(({ command }) => isReleaseCommand(command))),
  );
  const end = own.lastIndexOf(true);
  return stages.flatMap((stage, index) => {
    const { name, onFailure, maxFailures, concurrency, concurrencyPerHost, gates } = stage;
    const isOwn = own[index] ?? false;
    const problems: string[] = [];
    if (isOwn && onFailure !== "rollback") {
      problems.push(
        `\`onFailure\` is ${onFailure}, but a release that fails is put back: rollback`,
      );
    }
    if (isOwn && maxFailures > 0) problems.push("nothing of a release may fail (`maxFailures`)");
    if (isOwn && (concurrency > 1 || concurrencyPerHost > 1)) problems.push(limitsNothing);
    if (!isOwn && index < end && onFailure === "stop") {
      problems.push("it would leave half a release: `onFailure` must be rollback or continue");
    }
    if (index > end && onFailure === "rollback") {
      problems.push(
        "the release is over before it, and is not put back: `onFailure` must be stop or continue",
      );
    }
    if (gates.some((gate) => gate.kind === "command" && isReleaseCommand(gate.task.command))) {
      problems.push("parts of a release are no gates");
    }
    return problems.map((problem) => `stage ${index + 1} (${name}): ${problem}`);
  });
}

function problemsOfRollback({ rollback = [] }: Plan, made: Plan): readonly string[] {
  const given = stepsOf(rollback).map(({ task }) => task);
  const wanted = stepsOf(made.rollback ?? []).map(({ task }) => task);
  const [less] = wanted.slice(given.length);
  if (less) return [`${lacking(less)}, in its \`rollback\``];
  return given.flatMap((task, index) => {
    const should = wanted[index];
    if (should?.command !== task.command) return [`${nameOf(task)}: this does not put it back`];
    return differenceOf(task, should);
  });
}
