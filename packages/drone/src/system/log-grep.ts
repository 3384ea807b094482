/**
 * A pattern that somebody typed, tried on lines that somebody else's app wrote. A regular expression may
 * take longer than the universe lasts on an unlucky line (`(a+)+$`), and would stop the whole drone; so it
 * runs where Node can stop it.
 */
import { createContext, Script, type Context } from "node:vm";
import { PropagitError, quote } from "@propagit/protocol";

/** For a batch of lines, most of which take microseconds. A guess. */
const batchMsMax = 500;

const script = new Script("lines.map((line) => pattern.test(line))");

export class Grep {
  readonly #pattern: RegExp;
  readonly #source: string;
  #context: Context | undefined;

  /** @throws BAD_USAGE when it is no regular expression */
  constructor(source: string) {
    this.#source = source;
    try {
      this.#pattern = new RegExp(source, "u");
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new PropagitError("BAD_USAGE", `--grep ${quote(source)} is no pattern: ${reason}`);
    }
  }

  /**
   * For each line whether it fits.
   *
   * @throws BAD_USAGE when it takes too long to say
   */
  test(lines: readonly string[]): readonly boolean[] {
    this.#context ??= createContext({ pattern: this.#pattern, lines: [] });
    this.#context["lines"] = lines;
    try {
      return script.runInContext(this.#context, { timeout: batchMsMax }) as boolean[];
    } catch (thrown) {
      throw new PropagitError(
        "BAD_USAGE",
        `--grep ${quote(this.#source)} takes longer than ${batchMsMax / 1_000} s for ${lines.length} lines`,
        { cause: thrown, hint: "write it without repetitions inside of repetitions" },
      );
    }
  }
}
