/**
 * JSON to located values. By hand, as `JSON.parse` neither says where things stand nor minds keys that are
 * there twice, of which it keeps the last. It takes six times as long: 0.09 s of a processor for 1.5 MB
 * (measured), a fraction of what shapes need to read the values.
 */
import { quote } from "@propagit/protocol";
import { isTooLong, type Limits } from "./limits.js";
import type { Located, LocatedEntry, LocatedScalar } from "./located.js";
import type { Problems } from "./problems.js";

/** Undefined when it cannot be read, which the problems then tell. */
export function readJson(text: string, problems: Problems, limits: Limits): Located | undefined {
  if (isTooLong(text, limits.charsMax, problems)) return undefined;
  const reader = new Reader(text, problems, limits);
  try {
    const value = reader.document();
    return problems.isEmpty ? value : undefined;
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    problems.add(thrown.at, thrown.message);
    return undefined;
  }
}

/** Ends the reading: what follows a mistake of form means nothing. */
class Refusal extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const spaces = /[ \t\r\n]*/y;
const numbers = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words = /true|false|null/y;
const wordValues = { true: true, false: false, null: null } as const;
const bom = "\uFEFF";
const space = 0x20;
const backslash = 0x5c;

class Reader {
  readonly #text: string;
  readonly #problems: Problems;
  readonly #limits: Limits;
  #at: number;
  #values = 0;

  constructor(text: string, problems: Problems, limits: Limits) {
    this.#text = text;
    this.#problems = problems;
    this.#limits = limits;
    this.#at = text.startsWith(bom) ? 1 : 0;
  }

  document(): Located {
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected("nothing");
    return value;
  }

  #value(depth: number): Located {
    this.#skip();
    const at = this.#at;
    const { valuesMax, depthMax } = this.#limits;
    if (++this.#values > valuesMax) throw new Refusal(at, `has more than ${valuesMax} values`);
    if (depth > depthMax) throw new Refusal(at, "is nested too deeply");
    const first = this.#text[at];
    if (first === "{") return this.#map(depth);
    if (first === "[") return this.#list(depth);
    if (first === '"') {
      const value = this.#string();
      return { kind: "scalar", value, source: value, at };
    }
    return this.#numberOrWord();
  }

  #list(depth: number): Located {
    const at = this.#at++;
    const items: Located[] = [];
    if (this.#is("]")) return { kind: "list", items, at };
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#is("]")) return { kind: "list", items, at };
      if (!this.#is(",")) throw this.#unexpected("`,` or `]`");
    }
  }

  #map(depth: number): Located {
    const at = this.#at++;
    const entries = new Map<string, LocatedEntry>();
    if (this.#is("}")) return { kind: "map", entries, at };
    for (;;) {
      this.#skip();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') throw this.#unexpected("a name in quotes");
      const key = this.#string();
      if (!this.#is(":")) throw this.#unexpected("`:`");
      const value = this.#value(depth + 1);
      if (entries.has(key)) this.#problems.add(keyAt, `${quote(key)} is here twice`);
      else entries.set(key, { keyAt, value });
      if (this.#is("}")) return { kind: "map", entries, at };
      if (!this.#is(",")) throw this.#unexpected("`,` or `}`");
    }
  }

  /** Begins at the quote. */
  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw new Refusal(start, "is not JSON: a text begins here and never ends");
    } while (this.#isEscaped(start, end));
    this.#at = end + 1;
    const inside = this.#text.slice(start + 1, end);
    return isPlain(inside) ? inside : unescaped(inside, start);
  }

  /** A quote after an odd number of backslashes is part of the text. */
  #isEscaped(start: number, end: number): boolean {
    let before = end - 1;
    while (before > start && this.#text.charCodeAt(before) === backslash) before -= 1;
    return (end - before) % 2 === 0;
  }

  #numberOrWord(): LocatedScalar {
    const at = this.#at;
    const word = this.#match(words);
    if (word !== "") {
      const value = wordValues[word as keyof typeof wordValues];
      return { kind: "scalar", value, source: value === null ? "" : word, at };
    }
    const source = this.#match(numbers);
    if (source === "") throw this.#unexpected("a value");
    const value = Number(source);
    if (!Number.isFinite(value))
      throw new Refusal(at, `is a number beyond all bounds: ${quote(source)}`);
    return { kind: "scalar", value, source, at };
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #skip(): void {
    if (this.#text.charCodeAt(this.#at) > space) return;
    spaces.lastIndex = this.#at;
    if (spaces.test(this.#text)) this.#at = spaces.lastIndex;
  }

  /** Takes the sign when it is next. */
  #is(sign: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(wanted: string): Refusal {
    const found = this.#text.slice(this.#at, this.#at + 20).split("\n")[0] ?? "";
    const here = this.#at >= this.#text.length ? "it ends here" : `here is ${quote(found)}`;
    return new Refusal(this.#at, `is not JSON: ${here}, where ${wanted} should be`);
  }
}

/** Neither an escape nor a character that JSON wants escaped. A loop, as most texts are short. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash || code < space) return false;
  }
  return true;
}

function unescaped(inside: string, at: number): string {
  try {
    // The platform's own reader knows all escapes, and what may not stand in a text.
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    throw new Refusal(at, "is not JSON: this text has a wrong escape or a bare line end in it");
  }
}
