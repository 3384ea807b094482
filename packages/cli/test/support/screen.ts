/** A terminal as far as the live area uses one: what somebody who looks at it sees. */
import type { Screen } from "../../src/output/live-area.js";

const escape = "\u001B";
const sequence = new RegExp(`^${escape}\\[(\\??)(\\d*)([A-Za-z])`);

export class TestScreen implements Screen {
  columns: number;
  rows = 24;
  isCursorHidden = false;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns = 80) {
    this.columns = columns;
  }

  /** All lines from the first one, without what is empty at the end. */
  get shown(): string {
    return this.#lines.join("\n").trimEnd();
  }

  write(text: string): void {
    let rest = text;
    while (rest !== "") {
      const control = sequence.exec(rest);
      if (control) this.#obey(control[2] ?? "", control[3] ?? "");
      else this.#put(rest.charAt(0));
      rest = rest.slice(control ? control[0].length : 1);
    }
  }

  #obey(number: string, command: string): void {
    const line = this.#lines[this.#row] ?? "";
    switch (command) {
      case "A":
        this.#row = Math.max(0, this.#row - Number(number || 1));
        break;
      case "K":
        this.#lines[this.#row] = line.slice(0, this.#column);
        break;
      case "J":
        this.#lines = [...this.#lines.slice(0, this.#row), line.slice(0, this.#column)];
        break;
      case "l":
      case "h":
        this.isCursorHidden = command === "l";
        break;
      default:
        throw new Error(`this screen does not know ${command}`);
    }
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") {
      this.#row += 1;
      this.#column = 0;
      this.#lines[this.#row] ??= "";
    } else {
      const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
      this.#lines[this.#row] =
        line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }
}
