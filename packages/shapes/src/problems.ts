/** Everything that is wrong with a document, each with its line and column; told all at once. */
import type { Offset } from "./located.js";

export interface Problem {
  readonly file: string;
  /** From 1; 0 when a program made it, and there are no lines. */
  readonly line: number;
  /** From 1, in characters; 0 as for lines. */
  readonly column: number;
  /** What, which, why; without the place. */
  readonly message: string;
}

/** More are counted but not told: who mends the first twenty looks again anyway. */
const problemsMax = 20;
/** More are not even counted: a file of nothing but mistakes has hundreds of thousands. */
const countedMax = 1_000;

/** Collects problems of one text; the same one, met again on another way, counts once. */
export class Problems {
  readonly text: string;
  readonly #file: string;
  readonly #hasLines: boolean;
  readonly #found = new Map<string, { readonly at: Offset; readonly message: string }>();

  /** @param text absent: what is read was never written */
  constructor(file: string, text?: string) {
    this.#file = file;
    this.text = text ?? "";
    this.#hasLines = text !== undefined;
  }

  add(at: Offset, message: string): void {
    if (this.#found.size < countedMax) this.#found.set(`${at} ${message}`, { at, message });
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }

  /** With their offsets, for whoever put the text together out of several. */
  get found(): readonly { readonly at: Offset; readonly message: string }[] {
    return [...this.#found.values()];
  }

  /** In the order of the file. */
  get all(): readonly Problem[] {
    const sorted = [...this.#found.values()].sort((left, right) => left.at - right.at);
    if (!this.#hasLines) {
      return sorted.map(({ message }) => ({ file: this.#file, line: 0, column: 0, message }));
    }
    // One walk over the text for all of them.
    let line = 1;
    let lineAt = 0;
    let seen = 0;
    return sorted.map(({ at, message }) => {
      for (; seen < Math.min(at, this.text.length); seen++) {
        if (this.text[seen] !== "\n") continue;
        line += 1;
        lineAt = seen + 1;
      }
      return { file: this.#file, line, column: seen - lineAt + 1, message };
    });
  }
}

/** `propagit.yaml:3:5: …` */
export function formatProblem({ file, line, column, message }: Problem): string {
  if (line === 0) return `${file}: ${message}`;
  return `${file}:${line}:${column}: ${message}`;
}

/** As an error says them: the first as its sentence, the others below it, many of them only counted. */
export function formatProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, problemsMax).map(formatProblem);
  const rest = problems.length - shown.length;
  const more = rest > 0 ? [`and ${rest} more`] : [];
  return [...shown, ...more].join("\n  ");
}
