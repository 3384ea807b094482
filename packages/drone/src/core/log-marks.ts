/**
 * When the lines of a file were written. The app writes the file itself and nobody stamps its lines, so
 * the drone notes how far the file had come at which time:
 *
 *     file     ---line---line---line------line---line---|
 *     marks              ^ 12:00:01                ^ 12:00:07
 *
 * A line has the time of the first mark behind its beginning; behind the last mark, that of the file.
 */

export interface Mark {
  /** In ms since 1970. */
  readonly at: number;
  /** Bytes that the file had by then. */
  readonly offset: number;
  /** A run of the app begins here. */
  readonly isRun: boolean;
}

export function encodeMark({ at, offset, isRun }: Mark): string {
  return `${at} ${offset}${isRun ? " run" : ""}\n`;
}

/** What cannot be read is left out: a mark may be half written, and costs no more than a time. */
export function parseMarks(text: string): readonly Mark[] {
  const marks: Mark[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const [, at, offset, run] = /^(\d{1,16}) (\d{1,16})( run)?$/.exec(line) ?? [];
    if (at === undefined || offset === undefined) continue;
    const mark = { at: Number(at), offset: Number(offset), isRun: run !== undefined };
    // Of a file that was cut while the drone was killed, marks may lie behind those of the new beginning.
    if (mark.offset >= (marks.at(-1)?.offset ?? 0)) marks.push(mark);
  }
  return marks;
}

/** When the line that begins at an offset was written. */
export function timeAt(marks: readonly Mark[], offset: number, otherwise: number): number {
  return marks[indexBehind(marks, offset)]?.at ?? otherwise;
}

/** From where on lines may be as young as that: nothing before it is. */
export function offsetOf(marks: readonly Mark[], since: number): number {
  let offset = 0;
  for (const mark of marks) {
    if (mark.at >= since) break;
    offset = mark.offset;
  }
  return offset;
}

/** Where the last run of the app begins. */
export function runStart(marks: readonly Mark[]): number {
  return marks.findLast(({ isRun }) => isRun)?.offset ?? 0;
}

/** Of the rest of a file whose first bytes were left out. */
export function shiftMarks(marks: readonly Mark[], bytes: number): readonly Mark[] {
  return marks
    .filter(({ offset }) => offset >= bytes)
    .map((mark) => ({ ...mark, offset: mark.offset - bytes }));
}

function indexBehind(marks: readonly Mark[], offset: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.offset ?? Infinity) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
