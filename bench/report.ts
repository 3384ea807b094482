/** One JSON line per figure: ours beside a peer's, from the same run. */

export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly theirs: number;
  readonly peer: string;
  /** Largest ratio ours : theirs that is good enough; Infinity: any. */
  readonly goal?: number;
  /** Or: largest value of ours. */
  readonly goalAbsolute?: number;
  /** Or: smallest ratio. */
  readonly goalMin?: number;
  /** When it is not that of the two values but, say, the median of many. */
  readonly ratio?: number;
  /** More of the same run, as fields of the line. */
  readonly more?: Readonly<Record<string, string | number>>;
}

export function report({ goal, goalAbsolute, goalMin, more, ...figure }: Figure): void {
  const { bench, metric, unit, peer, ratio = figure.ours / figure.theirs } = figure;
  const line = {
    bench,
    metric,
    unit,
    ours: rounded(figure.ours),
    theirs: rounded(figure.theirs),
    peer,
    ratio: rounded(ratio),
    ...judged({ ours: figure.ours, unit, ratio, goal, goalAbsolute, goalMin }),
    ...more,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

interface Judged {
  readonly ours: number;
  readonly unit: string;
  readonly ratio: number;
  readonly goal: number | undefined;
  readonly goalAbsolute: number | undefined;
  readonly goalMin: number | undefined;
}

function judged({ ours, unit, ratio, goal = 1, goalAbsolute, goalMin }: Judged) {
  if (goalAbsolute !== undefined) {
    return { goal: `<= ${goalAbsolute} ${unit}`, meets: ours <= goalAbsolute };
  }
  if (goalMin !== undefined) return { goal: `ratio >= ${goalMin}`, meets: ratio >= goalMin };
  if (goal === Infinity) return { goal: "none, for comparison", meets: true };
  return { goal: `ratio <= ${goal}`, meets: ratio <= goal };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("the median of nothing");
  return middle;
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
