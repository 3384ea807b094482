/** One JSON line per figure: ours beside a peer's, from the same run. */

export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly theirs: number;
  readonly peer: string;
  /** Largest ratio ours : theirs that is good enough. */
  readonly goal?: number;
  /** Or: largest value of ours. */
  readonly goalAbsolute?: number;
}

export function report({ goal, goalAbsolute, ...figure }: Figure): void {
  const ratio = figure.ours / figure.theirs;
  const meets = goalAbsolute === undefined ? ratio <= (goal ?? 1) : figure.ours <= goalAbsolute;
  const line = {
    ...figure,
    ours: rounded(figure.ours),
    theirs: rounded(figure.theirs),
    ratio: rounded(ratio),
    goal:
      goalAbsolute === undefined ? `ratio <= ${goal ?? 1}` : `<= ${goalAbsolute} ${figure.unit}`,
    meets,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("the median of nothing");
  return middle;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
