/** What is different between two texts, line by line: the fewest lines that were taken and added (Myers' way). */
import { badColour, goodColour } from "./colour.js";
import { plainText } from "./text-width.js";

export interface ChangedLine {
  readonly kind: "removed" | "added";
  readonly text: string;
}

/** Beyond it, everything between the first and the last difference counts as changed. */
const changesMax = 2_000;

/** Only what changed, in order. */
export function lineDifference(
  before: readonly string[],
  after: readonly string[],
): readonly ChangedLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let [left, right] = [before.length, after.length];
  while (left > start && right > start && before[left - 1] === after[right - 1])
    [left, right] = [left - 1, right - 1];
  return changesBetween(before.slice(start, left), after.slice(start, right));
}

export function differenceText(lines: readonly ChangedLine[]): string {
  const texts = lines.map(({ kind, text }) =>
    kind === "added" ? goodColour(`+ ${plainText(text)}`) : badColour(`- ${plainText(text)}`),
  );
  return `${texts.join("\n")}\n`;
}

/**
 * Paths through a grid, `before` downwards and `after` to the right; equal lines go across for nothing. `reach[k]`
 * is how far down the best path with so many changes came on diagonal k.
 */
function changesBetween(
  before: readonly string[],
  after: readonly string[],
): readonly ChangedLine[] {
  const rounds: Map<number, number>[] = [];
  let reach = new Map([[1, 0]]);
  for (let changes = 0; changes <= Math.min(before.length + after.length, changesMax); changes++) {
    rounds.push(new Map(reach));
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      let down = furthest(reach, diagonal, changes);
      while (
        down < before.length &&
        down - diagonal < after.length &&
        before[down] === after[down - diagonal]
      )
        down++;
      reach.set(diagonal, down);
      if (down >= before.length && down - diagonal >= after.length) {
        return walkBack(rounds, before, after);
      }
    }
    reach = new Map(reach);
  }
  return [
    ...before.map((text) => ({ kind: "removed", text }) as const),
    ...after.map((text) => ({ kind: "added", text }) as const),
  ];
}

/** Before lines that are equal: by a line added, or by one taken. */
function furthest(reach: ReadonlyMap<number, number>, diagonal: number, changes: number): number {
  const [added, removed] = [reach.get(diagonal - 1) ?? -1, reach.get(diagonal + 1) ?? -1];
  return isRemoval(reach, diagonal, changes) ? added + 1 : removed;
}

function isRemoval(reach: ReadonlyMap<number, number>, diagonal: number, changes: number): boolean {
  if (diagonal === -changes) return false;
  if (diagonal === changes) return true;
  return (reach.get(diagonal - 1) ?? -1) >= (reach.get(diagonal + 1) ?? -1);
}

function walkBack(
  rounds: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
): readonly ChangedLine[] {
  const lines: ChangedLine[] = [];
  let [down, right] = [before.length, after.length];
  for (let changes = rounds.length - 1; changes > 0; changes--) {
    const reach = rounds[changes] ?? new Map<number, number>();
    const diagonal = down - right;
    const removal = isRemoval(reach, diagonal, changes);
    const from = removal ? diagonal - 1 : diagonal + 1;
    down = reach.get(from) ?? 0;
    right = down - from;
    lines.push(
      removal
        ? { kind: "removed", text: before[down] ?? "" }
        : { kind: "added", text: after[right] ?? "" },
    );
  }
  return lines.reverse();
}
