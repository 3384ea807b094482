/** Header changes that somebody wants, made ready once: lines to add, and names to tell apart by their bytes. */
import type { Edits } from "../exchange.js";
import { isToken, nameFold, valueBytes } from "./characters.js";

/** What to change in a head. A name is in one of them only. */
export interface HeaderChanges {
  /** Instead of what is there. */
  readonly set?: Readonly<Record<string, string>>;
  /** Beside what is there. */
  readonly add?: readonly (readonly [name: string, value: string])[];
  readonly remove?: readonly string[];
}

/**
 * Makes changes ready for many heads.
 *
 *     const edits = compileEdits({ set: { "X-Shop": "blue" }, remove: ["X-Powered-By"] });
 *
 * @throws a RangeError when a name is no token or a value has bytes that none has: check what users wrote before.
 */
export function compileEdits({ set = {}, add = [], remove = [] }: HeaderChanges): Edits {
  const added = [...Object.entries(set), ...add];
  for (const [name, value] of added) assertField(name, value);
  for (const name of remove) assertField(name, "");
  const dropped = [...Object.keys(set), ...remove].map((name) => name.toLowerCase());
  return {
    lines: added.map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    dropped: new Set(dropped),
  };
}

/** Said by those who send a message, and by nobody else. */
const framing: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Why that cannot be an edit; undefined when it can. */
export function wrongField(name: string, value: string): string | undefined {
  if (!isToken(name)) return `"${name}" is no header name`;
  if (framing.has(name.toLowerCase().replaceAll("_", "-"))) {
    return `${name} says how messages are framed or where they go: it is not for changing`;
  }
  for (let index = 0; index < value.length; index++) {
    if (valueBytes[value.charCodeAt(index)] !== 1)
      return `the value of ${name} has characters that none has`;
  }
  return undefined;
}

/** The names of edits, to be told apart in a buffer. */
export class NameMatcher {
  readonly #names: readonly Buffer[];
  /** One bit for each length up to 31, and the highest for longer ones: most names are none of ours at a look. */
  readonly #lengths: number;

  private constructor(names: ReadonlySet<string>) {
    this.#names = [...names].map((name) => Buffer.from(name.replaceAll("_", "-"), "latin1"));
    this.#lengths = this.#names.reduce((bits, { length }) => bits | lengthBit(length), 0);
  }

  /** Made once for each set of names. */
  static of(names: ReadonlySet<string>): NameMatcher {
    let matcher = matchers.get(names);
    if (matcher === undefined) {
      matcher = new NameMatcher(names);
      matchers.set(names, matcher);
    }
    return matcher;
  }

  /** Whether one of the names is at these bytes; `_` counts as `-`, as behind CGI. */
  has(bytes: Buffer, start: number, end: number): boolean {
    if ((this.#lengths & lengthBit(end - start)) === 0) return false;
    for (const name of this.#names) {
      if (name.length === end - start && isName(bytes, start, name)) return true;
    }
    return false;
  }
}

const matchers = new WeakMap<ReadonlySet<string>, NameMatcher>();

function lengthBit(length: number): number {
  return 1 << Math.min(31, length);
}

function isName(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index++) {
    if (nameFold[bytes[start + index] as number] !== name[index]) return false;
  }
  return true;
}

function assertField(name: string, value: string): void {
  const wrong = wrongField(name, value);
  if (wrong !== undefined) throw new RangeError(wrong);
}
