/** Aligned tables: a head, a line per row, columns as wide as their widest cell. */
import { headColour } from "./colour.js";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Numbers read better from the right. */
  readonly alignRight?: boolean;
  /** Colours a cell after it was padded, so that colour codes do not count as width. */
  readonly colour?: (row: Row, padded: string) => string;
}

/** The table as text with a newline at the end; only the head when there are no rows. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const widths = columns.map((column) =>
    Math.max(column.head.length, ...rows.map((row) => column.cell(row).length)),
  );
  const line = (cells: readonly string[]) => `${cells.join("  ").trimEnd()}\n`;
  const head = line(
    columns.map((column, index) => headColour(pad(column, column.head, widths[index]))),
  );
  const body = rows.map((row) =>
    line(
      columns.map((column, index) => {
        const padded = pad(column, column.cell(row), widths[index]);
        return column.colour ? column.colour(row, padded) : padded;
      }),
    ),
  );
  return head + body.join("");
}

function pad(column: { readonly alignRight?: boolean }, text: string, width = 0): string {
  return column.alignRight ? text.padStart(width) : text.padEnd(width);
}
