/**
 * Which artifact a drone gets for the commit that it wants:
 *
 *     has B, wants W      W thin against B                       small, when B is one of the last
 *     has nothing         W whole
 *     has nothing         C whole, which drones still hold, then W thin against C: the hub sends only the step
 *
 * The more drones want the very same bytes, the less the hub sends. So of all that is about as small as the
 * smallest, what is made already counts most, then what most drones hold, then the base that most have.
 */

/** A pack that is there, or being made. */
export interface Made {
  readonly commit: string;
  readonly base: string | undefined;
  /** An estimate while it is being made; undefined when unknown. */
  readonly bytes: number | undefined;
  /** Drones that have all of it and are there. */
  readonly holders: number;
  /** Drones that are getting it. */
  readonly takers: number;
}

export interface Step {
  readonly commit: string;
  readonly base: string | undefined;
}

/** One step, or a commit to be had first and then the step from there. */
export type Course = readonly [Step] | readonly [Step, Step];

export interface ChoiceQuestion {
  readonly wanted: string;
  /** What the drone has and the hub knows, most useful first. */
  readonly bases: readonly string[];
  /** Of the wanted commit's repository. */
  readonly made: readonly Made[];
}

export interface PricedCourse {
  readonly course: Course;
  /** Of all its steps. */
  readonly bytes: number;
}

/** Bases that are compared: each asks git what it would save. */
const basesMax = 3;
const chainsMax = 2;
/** What is made counts when it is not much more than the smallest. */
const priceRatioMax = 1.2;
/** So much more is nothing: a few packets. */
const priceSlackBytes = 16 * 1024;

/**
 * What to compare, at most six courses; in the order of how much they promise. Of a drone that has a base the
 * whole is looked at only when it is made: to ask git about all of a large history takes long, and it is more.
 */
export function coursesOf({ wanted, bases, made }: ChoiceQuestion): readonly Course[] {
  const isMade = (step: Step) => made.some((one) => isSame(one, step));
  const thin = bases
    .map((base): Step => ({ commit: wanted, base }))
    .toSorted((left, right) => Number(isMade(right)) - Number(isMade(left)))
    .slice(0, basesMax);
  const whole: Step = { commit: wanted, base: undefined };
  const chains = made
    .filter((one) => one.base === undefined && one.commit !== wanted && one.holders > 0)
    .filter((one) => !bases.includes(one.commit))
    .toSorted((left, right) => right.holders - left.holders)
    .slice(0, chainsMax)
    .map(({ commit }): Course => [
      { commit, base: undefined },
      { commit: wanted, base: commit },
    ]);
  const isWorthAsking = thin.length === 0 || isMade(whole);
  const all = [...thin, ...(isWorthAsking ? [whole] : [])];
  return [...all.map((step): Course => [step]), ...chains];
}

/** @param priced at least one @param popularity how many drones have a commit, and want the same */
export function chooseCourse(
  priced: readonly PricedCourse[],
  made: readonly Made[],
  popularity: (commit: string) => number,
): Course | undefined {
  const least = Math.min(...priced.map(({ bytes }) => bytes));
  const boundBytes = Math.max(least * priceRatioMax, least + priceSlackBytes);
  const [best] = priced
    .filter(({ bytes }) => bytes <= boundBytes)
    .map((one) => ({ ...one, rank: rankOf(one.course, made, popularity) }))
    .toSorted((left, right) => compare(right.rank, left.rank) || left.bytes - right.bytes);
  return best?.course;
}

/** Greater is better; of what comes first it says most. */
function rankOf(
  course: Course,
  made: readonly Made[],
  popularity: (commit: string) => number,
): readonly number[] {
  const [first] = course;
  const found = made.find((one) => isSame(one, first));
  return [
    found ? 1 : 0,
    found ? found.holders + found.takers : 0,
    // A step less is better than a base that more have.
    -course.length,
    first.base === undefined ? 0 : popularity(first.base),
  ];
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}

function isSame(left: Step, right: Step): boolean {
  return left.commit === right.commit && left.base === right.base;
}
