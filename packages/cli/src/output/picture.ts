/** Something that is shown anew each second: in place on a terminal, else one after the other. */
import { interruptedExitCode, onInterrupt } from "../interrupt.js";
import { LiveArea } from "./live-area.js";
import { print } from "./print.js";

export interface Picture {
  /** That it may take; without bound where there is no terminal. */
  readonly columns: number;
  readonly rows: number;
  /** @param text lines with a newline at the end */
  show(text: string): void;
}

/** Until ^C, which ends the process. */
export function openPicture(): Picture {
  if (!process.stdout.isTTY) {
    endQuietly(() => undefined);
    const show = (text: string) => print(`${text}\n`);
    return { columns: Infinity, rows: Infinity, show };
  }
  const area = new LiveArea(process.stdout);
  endQuietly(() => area.leave());
  return {
    get columns() {
      return area.columns;
    },
    get rows() {
      return area.rows;
    },
    show: (text) => area.draw(text.trimEnd().split("\n")),
  };
}

function endQuietly(leave: () => void): void {
  process.once("exit", leave);
  onInterrupt(() => process.exit(interruptedExitCode));
}
