/** The name that somebody probably meant. */

/** Longer words are not compared: the work grows with the square of their length. */
const charsMax = 40;

/** The candidate with the fewest typing mistakes, if it is near: at most a third of the word wrong. */
function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > charsMax) return undefined;
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of candidates) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (!best || distance < best.distance) best = { name, distance };
  }
  return best && best.distance <= mistakesMax(word) ? best.name : undefined;
}

function mistakesMax(word: string): number {
  return Math.max(1, Math.floor(word.length / 3));
}

/** Whether somebody who wrote the word may have meant the name. */
export function isNear(word: string, name: string): boolean {
  return nearest(word, [name]) !== undefined;
}

/** ` did you mean …?`, or nothing. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const name = nearest(word, candidates);
  return name === undefined ? "" : `; did you mean \`${name}\`?`;
}

/** Letters left out, added, wrong, or swapped with the next one; a row of the usual table at a time. */
function editDistance(left: string, right: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let y = 1; y <= left.length; y++) {
    const next = [y];
    for (let x = 1; x <= right.length; x++) {
      const replaced = (row[x - 1] ?? 0) + (left[y - 1] === right[x - 1] ? 0 : 1);
      const isSwap = y > 1 && x > 1 && left[y - 1] === right[x - 2] && left[y - 2] === right[x - 1];
      const swapped = isSwap ? (before[x - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[x] ?? 0) + 1, (next[x - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
