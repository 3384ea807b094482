/** The user's terminal, handed to a command that runs elsewhere: raw keys, its size, its kind. */

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** As the protocol allows it. */
const sizeMax = 1_000;

export function terminalSize(): TerminalSize {
  const { columns, rows } = process.stdout;
  return { columns: clamp(columns, 80), rows: clamp(rows, 24) };
}

/** Whether there is somebody who types and looks. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}

/** Kind of the terminal, as programs want it: TERM. */
export function terminalKind(env = process.env): string {
  const { TERM: kind } = env;
  return kind && /^[A-Za-z0-9._+-]{1,64}$/.test(kind) ? kind : "xterm";
}

/**
 * Keys go as they are typed, ^C included, until it is taken back; also when the process ends, so that
 * the shell finds its terminal as it was.
 */
export function makeRaw(): () => void {
  const restore = () => {
    process.off("exit", restore);
    process.stdin.setRawMode(false);
  };
  process.stdin.setRawMode(true);
  process.once("exit", restore);
  return restore;
}

export function onResize(action: (size: TerminalSize) => void): () => void {
  const resized = () => action(terminalSize());
  process.stdout.on("resize", resized);
  return () => process.stdout.off("resize", resized);
}

function clamp(size: number, otherwise: number): number {
  return Math.min(sizeMax, Math.max(1, size || otherwise));
}
