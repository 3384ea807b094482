/** Aligned tables: a head, a line per row, columns as wide as their widest cell. */
import { headColour } from "./colour.js";
import { terminalColumns } from "./print.js";
import { cutTo, padTo, widthOf } from "./text-width.js";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Numbers read better from the right. */
  readonly alignRight?: boolean;
  /** Colours a cell after it was padded, so that colour codes do not count as width. */
  readonly colour?: (row: Row, padded: string) => string;
  /** On a terminal that is too narrow, columns are left out, the highest of these first. */
  readonly leaveOut?: number;
  /**
   * Text that may be cut to what the others leave on a terminal: `early`, before columns are left out, or only
   * when there is no other way.
   */
  readonly cut?: "early" | "late";
}

/** The table as text with a newline at the end; only the head when there are no rows. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  widthMax: number = terminalColumns(),
): string {
  const measured = columns.map((column) => ({
    column,
    width: rows.reduce(
      (width, row) => Math.max(width, widthOf(column.cell(row))),
      column.head.length,
    ),
  }));
  const fitting = fit(measured, widthMax);
  const head = line(
    fitting.map(({ column, width }) => headColour(pad(column, column.head, width))),
  );
  const body = rows.map((row) =>
    line(
      fitting.map(({ column, width }) => {
        const padded = pad(column, cutTo(column.cell(row), width), width);
        return column.colour ? column.colour(row, padded) : padded;
      }),
    ),
  );
  return head + body.join("");
}

const gap = "  ";

interface Measured<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

/** Cuts what may be cut to something readable, leaves columns out, then cuts to whatever is left. */
function fit<Row>(columns: readonly Measured<Row>[], widthMax: number): readonly Measured<Row>[] {
  const bounded = columns.map(({ column, width }) => ({
    column,
    width: column.cut ? Math.min(width, Math.max(widthMax, readableMin)) : width,
  }));
  const isEarly = ({ cut }: Column<Row>) => cut === "early";
  const readable = shrink(bounded, widthMax, { isCut: isEarly, least: readableMin });
  const kept = new Set(leaveOut(readable, widthMax).map(({ column }) => column));
  const fitting = bounded.filter(({ column }) => kept.has(column));
  return shrink(fitting, widthMax, { isCut: ({ cut }) => cut !== undefined, least: knownMin });
}

/** Enough to know a sentence by. */
const readableMin = 24;
/** Enough to know that there is something. */
const knownMin = 8;

function shrink<Row>(
  columns: readonly Measured<Row>[],
  widthMax: number,
  { isCut, least }: { readonly isCut: (column: Column<Row>) => boolean; readonly least: number },
): readonly Measured<Row>[] {
  const fitting = [...columns];
  for (;;) {
    const over = widthOfAll(fitting) - widthMax;
    const room = ({ column, width }: Measured<Row>) => (isCut(column) ? width - least : 0);
    const widest = fitting.toSorted((left, right) => room(right) - room(left))[0];
    if (over <= 0 || !widest || room(widest) <= 0) return fitting;
    fitting[fitting.indexOf(widest)] = { column: widest.column, width: widest.width - 1 };
  }
}

function leaveOut<Row>(columns: readonly Measured<Row>[], widthMax: number): Measured<Row>[] {
  const fitting = [...columns];
  while (widthOfAll(fitting) > widthMax) {
    const ranks = fitting.map(({ column }) => column.leaveOut ?? 0);
    const most = Math.max(...ranks);
    if (most === 0) break;
    fitting.splice(ranks.lastIndexOf(most), 1);
  }
  return fitting;
}

function widthOfAll(columns: readonly Measured<never>[]): number {
  return columns.reduce((sum, { width }) => sum + width + gap.length, -gap.length);
}

function line(cells: readonly string[]): string {
  return `${cells.join(gap).trimEnd()}\n`;
}

function pad(column: { readonly alignRight?: boolean }, text: string, width: number): string {
  return column.alignRight ? " ".repeat(width - widthOf(text)) + text : padTo(text, width);
}
