/** What commands print on stdout: either text for people or one JSON value for programs. */
export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** One JSON value a line, for streams. */
export function printJsonLine(value: unknown): void {
  print(`${JSON.stringify(value)}\n`);
}

/** Without a terminal there is no width to keep to. */
export function terminalColumns(): number {
  return process.stdout.isTTY ? process.stdout.columns || Infinity : Infinity;
}
