/** Whether the waves of an edited release come to all drones that it comes to, and to each once. */
import { suggestion } from "@propagit/protocol";
import type { Plan, Task } from "@propagit/plan";
import { someOf } from "../some-of.js";
import { seenIn, type PlannerView } from "./planner-view.js";
import type { WantedRelease } from "./release.js";
import { fits } from "./release-waves.js";
import {
  isAhead,
  nameOf,
  partsOf,
  waveBegins,
  waveEnds,
  type ReleaseStep,
} from "./release-parts.js";

export interface ReleasePlaces {
  /** Names of drones that did not end. */
  readonly drones: ReadonlySet<string>;
  /** Of those that may run some of it. */
  readonly fitting: ReadonlySet<string>;
  /** Of those of them that are told nothing of it yet: it comes to each by its wave, or all the same. */
  readonly untold: ReadonlySet<string>;
  /** It runs already wherever it fits, so that waves hold back nobody. */
  readonly isEverywhere: boolean;
}

/** As the cluster is now. */
export function releasePlaces(view: PlannerView, wanted: WantedRelease): ReleasePlaces {
  const { deployment, specification } = wanted;
  const row = view.rows.rows("deployments").get(deployment);
  const fitting = view.drones.filter((drone) => fits(drone, specification));
  const told = new Set(
    seenIn(view, deployment)
      .filter((drone) => drone.wanted.size > 0)
      .map(({ identity }) => identity),
  );
  return {
    drones: new Set(view.drones.map(({ name }) => name)),
    fitting: new Set(fitting.map(({ name }) => name)),
    untold: new Set(fitting.flatMap(({ identity, name }) => (told.has(identity) ? [] : [name]))),
    isEverywhere: (row?.started ?? false) && !row?.only,
  };
}

/** More are counted. */
const namedMax = 5;

/** Each drone that it comes to is named once, or none is. */
export function problemsOfWaves(
  steps: readonly ReleaseStep[],
  made: Plan,
  places: ReleasePlaces,
): readonly string[] {
  const { wave, ahead } = partsOf(made);
  const isSaidNow = wave.some(({ args }) => args["drones"] !== undefined);
  const tasks = steps.map(({ task }) => task);
  const problems = tasks
    .filter((task) => isAhead(task, ahead))
    .flatMap((task) => strangersOf(task, places));
  const seen = new Set<string>();
  const waves = inWaves(tasks);
  for (const [index, { start, others }] of waves.entries()) {
    problems.push(...strangersOf(start, places), ...twiceOf(start, seen));
    problems.push(...unlikeOf(start, others));
    if (dronesOf(start) === undefined && index < waves.length - 1) {
      problems.push(`${nameOf(start)}: without \`drones\` it is for all, so that no wave is left`);
    }
    if (dronesOf(start) !== undefined && places.isEverywhere && !isSaidNow) {
      problems.push(`${nameOf(start)}: it runs already wherever it fits: leave \`drones\` out`);
    }
  }
  return [...problems, ...leftOutOf(waves.at(-1)?.start, seen, places)];
}

interface EditedWave {
  readonly start: Task;
  /** What follows it until it ends; nothing when it does not. */
  readonly others: readonly Task[];
}

function inWaves(tasks: readonly Task[]): readonly EditedWave[] {
  const begins = tasks.flatMap(({ command }, index) => (command === waveBegins ? [index] : []));
  return begins.flatMap((index, wave) => {
    const [start, ...others] = tasks.slice(index, begins[wave + 1]);
    const end = others.findIndex(({ command }) => command === waveEnds);
    return start ? [{ start, others: others.slice(0, end + 1) }] : [];
  });
}

/** Names that nobody has, or that it does not come to. */
function strangersOf(task: Task, { drones, fitting }: ReleasePlaces): string[] {
  const names = dronesOf(task);
  if (names?.length === 0) return [`${nameOf(task)}: \`drones\` names none`];
  const strange = (names ?? []).filter((name) => !fitting.has(name));
  return strange.slice(0, namedMax).map((name) => {
    if (drones.has(name))
      return `${nameOf(task)}: drone ${name} gets nothing of it: it is drained, or no service fits its labels`;
    return `${nameOf(task)}: there is no drone ${name}${suggestion(name, drones)}`;
  });
}

/** @param seen drones of the waves before; those of this one are added */
function twiceOf(start: Task, seen: Set<string>): readonly string[] {
  const twice = (dronesOf(start) ?? []).filter((name) => {
    const isTwice = seen.has(name);
    seen.add(name);
    return isTwice;
  });
  if (twice.length === 0) return [];
  const come = twice.length === 1 ? "comes" : "come";
  return [`${nameOf(start)}: ${someOf(twice, namedMax)} ${come} more than once`];
}

/** What follows the start of a wave is about the same drones. */
function unlikeOf(start: Task, others: readonly Task[]): readonly string[] {
  const wanted = keyOf(start);
  return others
    .filter((task) => keyOf(task) !== wanted)
    .map((task) => `${nameOf(task)}: \`drones\` must be those of ${nameOf(start)}`);
}

/** It would come to them all the same, once the release is ready. */
function leftOutOf(
  start: Task | undefined,
  named: ReadonlySet<string>,
  { untold }: ReleasePlaces,
): readonly string[] {
  if (!start || dronesOf(start) === undefined) return [];
  const left = [...untold].filter((name) => !named.has(name)).sort();
  if (left.length === 0) return [];
  return [
    `${nameOf(start)}: no wave has ${someOf(left, namedMax)}, where it fits as well: add them to one, or keep them out by \`on\` of its services or \`propagit drone drain\``,
  ];
}

function dronesOf({ args }: Task): readonly string[] | undefined {
  return args["drones"] as readonly string[] | undefined;
}

function keyOf(task: Task): string {
  return [...(dronesOf(task) ?? ["*"])].sort().join("\n");
}
