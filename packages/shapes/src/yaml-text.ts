/**
 * YAML to located values, with bounds: a file comes from whoever may push.
 *
 * Only what JSON could say too, and comments, anchors and aliases: no tags, no merge keys, no second
 * document. An alias counts as everything it stands for, so that a "billion laughs" hits the bound.
 */
import { quote } from "@propagit/protocol";
import { Composer, isAlias, isMap, isNode, isScalar, isSeq, Lexer, Parser } from "yaml";
import type { CST, Document } from "yaml";
import { isTooLong, type Limits } from "./limits.js";
import type { Located, LocatedEntry, LocatedList, LocatedMap, LocatedScalar } from "./located.js";
import type { Problems } from "./problems.js";

/** Undefined when it cannot be read, which the problems then tell. */
export function readYaml(text: string, problems: Problems, limits: Limits): Located | undefined {
  if (isTooLong(text, limits.charsMax, problems)) return undefined;
  const document = parse(text, problems, limits);
  if (!document) return undefined;
  for (const error of document.errors) problems.add(error.pos[0], sentence(error.message));
  for (const warning of document.warnings) problems.add(warning.pos[0], sentence(warning.message));
  if (!problems.isEmpty) return undefined;
  return new Walk(document, problems, limits).read();
}

function parse(
  text: string,
  problems: Problems,
  { depthMax }: Limits,
): Document.Parsed | undefined {
  // Keys that are there twice are looked for in the walk: the package compares each with each.
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, strict: true });
  const tokens = new TokenReader(text, 2 * depthMax + stackedMax);
  const [first, second] = composer.compose(tokens.read(), true, text.length);
  if (tokens.deepAt !== undefined) {
    problems.add(tokens.deepAt, "is nested too deeply");
    return undefined;
  }
  if (second) problems.add(second.range[0], "is not YAML: a second document begins here");
  return first;
}

/** What the parser keeps beside lists and maps: the document, the value that is being read. */
const stackedMax = 10;

/**
 * The parser's tokens, up to where they are nested too deeply. What is made of them is made by recursion: its
 * stack would overflow, and V8 ends the whole process when that happens while it compiles an expression.
 */
class TokenReader {
  deepAt: number | undefined;
  readonly #text: string;
  readonly #stackMax: number;

  constructor(text: string, stackMax: number) {
    this.#text = text;
    this.#stackMax = stackMax;
  }

  *read(): Generator<CST.Token, void> {
    const parser = new Parser();
    for (const lexeme of new Lexer().lex(this.#text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length <= this.#stackMax) continue;
      this.deepAt = parser.offset;
      return;
    }
    yield* parser.end();
  }
}

class Walk {
  readonly #document: Document;
  readonly #problems: Problems;
  readonly #limits: Limits;
  /** The last node of each anchor so far. Not the package's own search, which reads everything anew. */
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(document: Document, problems: Problems, limits: Limits) {
    this.#document = document;
    this.#problems = problems;
    this.#limits = limits;
  }

  read(): Located | undefined {
    const { contents } = this.#document;
    if (contents === null) return { kind: "scalar", value: null, source: "", at: 0 };
    const located = this.#visit(contents, 0, 0);
    return !this.#problems.isEmpty ? undefined : located;
  }

  /** @param before where it would stand if it has no place of its own */
  #visit(node: unknown, before: number, depth: number): Located | undefined {
    const at = placeOf(node) ?? before;
    const { valuesMax, depthMax } = this.#limits;
    if (++this.#values > valuesMax) return this.#refuse(at, `has more than ${valuesMax} values`);
    if (depth > depthMax) return this.#refuse(at, "is nested too deeply");
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined)
        return this.#refuse(at, `has no anchor ${quote(`&${node.source}`)} before it`);
      return this.#visit(target, at, depth + 1);
    }
    if (isNode(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return scalarOf(node, at);
    if (isSeq(node)) return this.#list(node.items, at, depth);
    if (isMap(node)) return this.#map(node.items, at, depth);
    return { kind: "scalar", value: null, source: "", at };
  }

  #list(nodes: readonly unknown[], at: number, depth: number): LocatedList | undefined {
    const items = [];
    for (const node of nodes) {
      const located = this.#visit(node, at, depth + 1);
      if (!located) return undefined;
      items.push(located);
    }
    return { kind: "list", items, at };
  }

  #map(
    pairs: readonly { readonly key: unknown; readonly value: unknown }[],
    at: number,
    depth: number,
  ): LocatedMap | undefined {
    const entries = new Map<string, LocatedEntry>();
    for (const { key, value } of pairs) {
      const keyAt = placeOf(key) ?? at;
      if (!isScalar(key)) return this.#refuse(keyAt, "has a key that is not a plain name");
      const { source } = scalarOf(key, keyAt);
      if (entries.has(source)) {
        this.#problems.add(keyAt, `${quote(source)} is here twice`);
        continue;
      }
      const located = this.#visit(value, keyAt, depth + 1);
      if (!located) return undefined;
      entries.set(source, { keyAt, value: located });
    }
    return { kind: "map", entries, at };
  }

  #refuse(at: number, message: string): undefined {
    this.#problems.add(at, message);
    return undefined;
  }
}

function scalarOf(
  node: { readonly value?: unknown; readonly source?: string },
  at: number,
): LocatedScalar {
  const { value } = node;
  const isPlain =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const plain = isPlain ? value : null;
  const source = typeof value === "string" ? value : (node.source ?? "");
  return { kind: "scalar", value: plain, source, at };
}

function placeOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The package's messages begin like sentences; ours go on after the place. */
function sentence(message: string): string {
  const [first = ""] = message.split("\n");
  return `is not YAML: ${first.slice(0, 300)}`;
}
