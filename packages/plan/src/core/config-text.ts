/**
 * Texts that a configuration is put together from. Each gets a range of offsets of its own, so that a value that
 * was merged out of several still knows where it was written.
 *
 *     deploy.yaml  0 … 812 | staging.yaml  813 … 1200 | --set service.web.port  1201 … 1205
 */
import { mapAt, Problems, readJson, readYaml } from "@propagit/shapes";
import type { Limits, Located, LocatedEntry, Offset, Problem } from "@propagit/shapes";

export interface ConfigText {
  /** A file, `--set service.web.port`, `PROPAGIT_CONFIG_BRANCH`. */
  readonly name: string;
  readonly text: string;
  /** Of a file the place is told with line and column. */
  readonly isFile: boolean;
}

/** Configurations are written by hand. */
const limits: Limits = { charsMax: 1024 ** 2, valuesMax: 200_000, depthMax: 50 };

interface Placed extends ConfigText {
  readonly from: Offset;
}

export class ConfigTexts {
  readonly #texts: Placed[] = [];
  readonly #problems: Problem[] = [];
  #end = 1;

  /** Offset of its first character: for problems about a text that is not read as a whole. */
  add(text: ConfigText): Offset {
    const from = this.#end;
    this.#texts.push({ ...text, from });
    this.#end += text.text.length + 1;
    return from;
  }

  /** Undefined when it cannot be read, which the problems tell. An empty file says nothing. */
  read(text: ConfigText): Located | undefined {
    const from = this.add(text);
    const problems = new Problems(text.name, text.text);
    const isJson = text.isFile && /\.json$/i.test(text.name);
    const node = (isJson ? readJson : readYaml)(text.text, problems, limits);
    for (const { at, message } of problems.found)
      this.#problems.push(this.problem(from + at, message));
    return node && shifted(node, from);
  }

  tell(at: Offset, message: string): void {
    this.#problems.push(this.problem(at, message));
  }

  /** What a shape found, with offsets of the merged whole. */
  tellAll({ found }: Problems): void {
    for (const { at, message } of found) this.tell(at, message);
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Where something was written; line 0 where there are no lines. */
  placeOf(at: Offset): { readonly file: string; readonly line: number; readonly column: number } {
    const text = this.#texts.findLast(({ from }) => from <= at);
    if (!text) return { file: "the configuration", line: 0, column: 0 };
    if (!text.isFile) return { file: text.name, line: 0, column: 0 };
    const before = text.text.slice(0, at - text.from).split("\n");
    return { file: text.name, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }

  problem(at: Offset, message: string): Problem {
    return { ...this.placeOf(at), message };
  }
}

function shifted(node: Located, by: Offset): Located {
  switch (node.kind) {
    case "scalar":
      return { ...node, at: node.at + by };
    case "list":
      return { ...node, at: node.at + by, items: node.items.map((one) => shifted(one, by)) };
    case "map":
      return mapAt(
        node.at + by,
        [...node.entries].map(([key, entry]): [string, LocatedEntry] => [
          key,
          { ...entry, keyAt: entry.keyAt + by, value: shifted(entry.value, by) },
        ]),
      );
    default:
      return node satisfies never;
  }
}
