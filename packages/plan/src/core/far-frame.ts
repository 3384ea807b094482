/**
 * What frames a program at a host, as its shell tells it on standard error: that it began, in which process
 * group, and how it ended. ssh itself says 255 for a connection that broke, and so may a program; and ssh
 * waits for what a program left in the background, which nobody else wants to wait for.
 *
 *     <nonce>:<process group>. … what it tells … <nonce>:<exit code>.
 *
 * The nonce is made for this one start, so that nothing else says it. Before the first mark comes what the
 * login shell of the user there has to say.
 */

/** A POSIX line around another one. @param nonce letters and digits */
export function framedLine(nonce: string, line: string): string {
  const mark = (value: string) => `printf '%s:%s.' ${nonce} ${value} >&2`;
  return `${mark('"$$"')}; ( ${line} ); code=$?; ${mark('"$code"')}; exit "$code"`;
}

export class FarFrame {
  readonly #mark: string;
  readonly #onText: (text: string) => void;
  #held = "";
  #before = "";
  #group: number | undefined;
  #code: number | undefined;

  /** @param onText what the program tells, without the marks */
  constructor(nonce: string, onText: (text: string) => void) {
    this.#mark = `${nonce}:`;
    this.#onText = onText;
  }

  /** Of the program there; undefined: it has not begun. */
  get group(): number | undefined {
    return this.#group;
  }

  /** How it ended; undefined: it has not, or nobody heard. */
  get code(): number | undefined {
    return this.#code;
  }

  /** What was said before it began, by ssh or a login shell. */
  get before(): string {
    return this.#group === undefined ? this.#before + this.#held : this.#before;
  }

  push(text: string): void {
    this.#held += text;
    for (let at = this.#held.indexOf(this.#mark); at >= 0; at = this.#held.indexOf(this.#mark)) {
      const stop = this.#held.indexOf(".", at);
      if (stop < 0) break;
      this.#tell(this.#held.slice(0, at));
      this.#note(Number(this.#held.slice(at + this.#mark.length, stop)));
      this.#held = this.#held.slice(stop + 1);
    }
    this.#release();
  }

  end(): void {
    this.#tell(this.#held);
    this.#held = "";
  }

  /** All but what may become a mark. */
  #release(): void {
    const at = this.#held.indexOf(this.#mark);
    const safe = at >= 0 ? at : lastStart(this.#held, this.#mark);
    this.#tell(this.#held.slice(0, safe));
    this.#held = this.#held.slice(safe);
  }

  #tell(text: string): void {
    if (text === "") return;
    if (this.#group === undefined) this.#before = (this.#before + text).slice(-4_096);
    else this.#onText(text);
  }

  #note(value: number): void {
    if (this.#group === undefined) this.#group = value;
    else this.#code ??= value;
  }
}

/** Where the longest end of a text begins that is a beginning of the mark; its length when there is none. */
function lastStart(text: string, mark: string): number {
  for (let at = Math.max(0, text.length - mark.length); at < text.length; at++) {
    if (mark.startsWith(text.slice(at))) return at;
  }
  return text.length;
}
