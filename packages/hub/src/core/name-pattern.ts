/**
 * Regular expressions for names of drones, which anybody may send: matched without backtracking, so that
 * none of them holds up the hub, however it was built.
 *
 *     ends(node, starts) = all places where the node can end that began at one of `starts`
 *
 * A name has few places, and each step works on sets of them, so that no way through the pattern is gone
 * twice. What JavaScript has beyond that (back references, looking around) is refused.
 */
import { PropagitError, quote } from "@propagit/protocol";

export type NamePattern = (name: string) => boolean;

type Node =
  | { readonly kind: "char"; readonly fits: RegExp }
  | { readonly kind: "sequence"; readonly nodes: readonly Node[] }
  | { readonly kind: "choice"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly min: number; readonly max: number }
  | { readonly kind: "begin" }
  | { readonly kind: "end" };

const [patternCharsMax, depthMax, repeatMax] = [250, 20, 100];
/** Repeats within repeats: each level may double the work, or worse. */
const repeatDepthMax = 4;

/**
 * What stands between the slashes of `/^web-\d+$/`; like there it may fit anywhere in the name.
 *
 * @throws BAD_PATTERN
 */
export function parseNamePattern(pattern: string): NamePattern {
  if (pattern.length > patternCharsMax) throw wrong(pattern, `is over ${patternCharsMax} long`);
  const node = new Reader(pattern).read();
  if (repeatDepthOf(node) > repeatDepthMax) throw wrong(pattern, "repeats repeats too often");
  return (name) => {
    const anywhere = new Set(Array.from({ length: name.length + 1 }, (_, at) => at));
    return ends(node, name, anywhere).size > 0;
  };
}

function ends(node: Node, name: string, starts: ReadonlySet<number>): ReadonlySet<number> {
  switch (node.kind) {
    case "char":
      return new Set(
        [...starts].filter((at) => node.fits.test(name.charAt(at))).map((at) => at + 1),
      );
    case "sequence":
      return node.nodes.reduce((places, one) => ends(one, name, places), starts);
    case "choice":
      return new Set(node.nodes.flatMap((one) => [...ends(one, name, starts)]));
    case "repeat":
      return endsOfRepeat(node, name, starts);
    case "begin":
      return new Set([...starts].filter((at) => at === 0));
    case "end":
      return new Set([...starts].filter((at) => at === name.length));
    default:
      return node satisfies never;
  }
}

function endsOfRepeat(
  { node, min, max }: Node & { kind: "repeat" },
  name: string,
  starts: ReadonlySet<number>,
): ReadonlySet<number> {
  let places = starts;
  for (let round = 0; round < min; round++) {
    const before = places;
    places = ends(node, name, before);
    // The same places again would be the same for ever.
    if (places.size === before.size && [...places].every((at) => before.has(at))) break;
  }
  const all = new Set(places);
  for (let round = min; round < max && places.size > 0; round++) {
    places = new Set([...ends(node, name, places)].filter((at) => !all.has(at)));
    for (const at of places) all.add(at);
  }
  return all;
}

function repeatDepthOf(node: Node): number {
  switch (node.kind) {
    case "char":
    case "begin":
    case "end":
      return 0;
    case "sequence":
    case "choice":
      return Math.max(0, ...node.nodes.map(repeatDepthOf));
    case "repeat":
      return 1 + repeatDepthOf(node.node);
    default:
      return node satisfies never;
  }
}

/** Recursive descent over the pattern's text. */
class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Node {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw this.#wrong("closes what is not open");
    return node;
  }

  #choice(): Node {
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    return { kind: "choice", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length && !"|)".includes(this.#next)) {
      nodes.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", nodes };
  }

  #atom(): Node {
    if (this.#take("^")) return { kind: "begin" };
    if (this.#take("$")) return { kind: "end" };
    if (this.#take("(")) return this.#group();
    if (this.#next === "[") return this.#char(/^\[(?:[^\]\\]|\\.)*\]/);
    if (this.#next === "\\") return this.#char(/^\\(?:[dDwWsS]|[^A-Za-z0-9])/);
    if ("*+?{}]".includes(this.#next)) throw this.#wrong(`has ${this.#next} after nothing`);
    return this.#char(/^./u);
  }

  #group(): Node {
    this.#depth += 1;
    if (this.#depth > depthMax) throw this.#wrong("is nested too deeply");
    if (this.#next === "?" && !this.#take("?:")) throw this.#wrong("looks around or names a group");
    const node = this.#choice();
    if (!this.#take(")")) throw this.#wrong("leaves a parenthesis open");
    this.#depth -= 1;
    return node;
  }

  #char(syntax: RegExp): Node {
    const [source] = syntax.exec(this.#rest) ?? [];
    if (source === undefined) throw this.#wrong("has what is not known here");
    this.#at += source.length;
    try {
      return { kind: "char", fits: new RegExp(`^${source}$`, "u") };
    } catch {
      throw this.#wrong(`has a wrong ${source}`);
    }
  }

  #repeated(node: Node): Node {
    const [text, fewest, comma, most] = /^(?:[*+?]|\{(\d+)(,)?(\d+)?\})/.exec(this.#rest) ?? [];
    if (text === undefined) return node;
    this.#at += text.length;
    // Whether it takes as few as it can makes no difference to whether it fits.
    this.#take("?");
    const min = fewest === undefined ? Number(text === "+") : Number(fewest);
    const max = fewest === undefined ? (text === "?" ? 1 : Infinity) : maxOf(min, comma, most);
    if (min > repeatMax || max < min) throw this.#wrong(`has a wrong ${text}`);
    return { kind: "repeat", node, min, max };
  }

  get #rest(): string {
    return this.#text.slice(this.#at);
  }

  get #next(): string {
    return this.#text.charAt(this.#at);
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #wrong(why: string): PropagitError {
    return wrong(this.#text, why);
  }
}

function maxOf(min: number, comma: string | undefined, most: string | undefined): number {
  if (comma === undefined) return min;
  return most === undefined ? Number.POSITIVE_INFINITY : Number(most);
}

function wrong(pattern: string, why: string): PropagitError {
  return new PropagitError("BAD_PATTERN", `the regular expression ${quote(pattern)} ${why}`, {
    hint: "write it like `/^web-\\d+$/`, without looking around or back",
  });
}
