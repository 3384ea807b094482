/** The end of a program's output, made fit to be shown to whoever deployed it. */

/** As the protocol bounds them: lines of a report, characters of a line. */
const linesMax = 20;
const lineCharsMax = 500;
/** Bytes of the file's end that are looked at: 20 lines of 500 characters, and room for colours. */
export const tailBytesMax = 16 * 1024;

// Colours and cursor movements (ECMA-48), and every other control character but the tab.
// eslint-disable-next-line no-control-regex
const controls = /\u001B\[[0-9;?]*[ -/]*[@-~]|\u001B[@-Z\\-_]|[\u0000-\u0008\u000B-\u001F\u007F]/g;

export function lastLinesOf(tail: string): string[] {
  return tail
    .split("\n")
    .map((line) => plainText(line).slice(0, lineCharsMax))
    .filter((line) => line !== "")
    .slice(-linesMax);
}

/** A line without what only a terminal understands. */
export function plainText(line: string): string {
  return line.replaceAll(controls, "").trimEnd();
}
