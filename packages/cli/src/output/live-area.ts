/**
 * The lines at the bottom of a terminal that are drawn anew in place; what is said for good scrolls above.
 *
 *     web-1 | compiled 12 files        said: scrolls away like any output
 *     web-1 | done
 *     webapp 74336bc, release 14       the area: drawn anew
 *     └─ building  12 s
 */
import { cutTo, widthOf } from "./text-width.js";

/** The part of a terminal's stream that is used; `columns` and `rows` change when it is resized. */
export interface Screen {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  write(text: string): void;
}

const control = "\u001B[";
const hideCursor = `${control}?25l`;
const showCursor = `${control}?25h`;
const eraseBelow = `${control}J`;
const eraseRestOfLine = `${control}K`;
/** Of a terminal that does not say. */
const columnsDefault = 80;
const rowsDefault = 24;

export class LiveArea {
  readonly #screen: Screen;
  /** Widths of the lines that are on the screen. */
  #drawn: readonly number[] = [];
  #isCursorHidden = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Columns that a line may take: one less than there are, as some terminals wrap at the last one. */
  get columns(): number {
    return Math.max(1, (this.#screen.columns || columnsDefault) - 1);
  }

  /** Rows that the area may take, so that its top never scrolls out of reach. */
  get rows(): number {
    return Math.max(1, (this.#screen.rows || rowsDefault) - 1);
  }

  /** Draws the area anew; longer lines are cut, rows too many are left out. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows).map((line) => cutTo(line, this.columns));
    const text = shown.map((line) => `${line}${eraseRestOfLine}\n`).join("");
    const hide = this.#isCursorHidden ? "" : hideCursor;
    this.#isCursorHidden = true;
    this.#screen.write(`${hide}${this.#backToTop()}${text}${eraseBelow}`);
    this.#drawn = shown.map(widthOf);
  }

  /** Says something for good, above the area; it is whole lines. The area is to be drawn again. */
  say(text: string): void {
    this.#screen.write(`${this.#backToTop()}${eraseBelow}${text}`);
    this.#drawn = [];
  }

  /** Takes the area away and shows the cursor again. */
  close(): void {
    if (!this.#isCursorHidden) return;
    this.#isCursorHidden = false;
    this.#screen.write(`${this.#backToTop()}${eraseBelow}${showCursor}`);
    this.#drawn = [];
  }

  /** Leaves the area where it is, and shows the cursor again below it. */
  leave(): void {
    if (!this.#isCursorHidden) return;
    this.#isCursorHidden = false;
    this.#screen.write(showCursor);
    this.#drawn = [];
  }

  /** A terminal that became narrower has wrapped the lines that are too long for it now. */
  #backToTop(): string {
    const columns = this.#screen.columns || columnsDefault;
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    return rows === 0 ? "\r" : `\r${control}${rows}A`;
  }
}
