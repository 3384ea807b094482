/** Text on a terminal: how many columns it takes, cut to a width, without foreign commands. */

const escape = "\u001B";
/** Colours and the like: no width, harmless, as long as they are reset in the end. */
const styles = new RegExp(`${escape}\\[[0-9;:]*m`, "g");
const reset = `${escape}[0m`;
/** Sequences that move the cursor, set titles, ask the terminal; and what begins like one. */
const commands = new RegExp(
  `${escape}(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^${escape}\\u0007]*(?:\\u0007|${escape}\\\\)?|[ -/]*[0-~])?`,
  "g",
);
const controls = /[\p{Cc}\p{Bidi_Control}]/gu;
const marks = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Ranges that East Asian terminals and all others draw two columns wide, roughly (Unicode's W and F). */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
const tab = "    ";

/** What an app or a peer wrote, so that it cannot do anything to the terminal; on one line. */
export function plainText(text: string): string {
  return text.replaceAll("\t", tab).replaceAll(commands, "").replaceAll(controls, "");
}

/** As `plainText`, but colours stay, and end with the text. */
export function styledText(text: string): string {
  const parts = text.split(styles);
  const codes = text.match(styles) ?? [];
  const clean = parts.map((part, index) => plainText(part) + (codes[index] ?? "")).join("");
  return codes.length === 0 ? clean : clean + reset;
}

/** Columns that a text takes on a terminal; colours take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replaceAll(styles, "")) width += charWidth(character);
  return width;
}

/** At most `columns` wide, with `…` where something is missing; colours are kept and ended. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const codes = text.match(styles) ?? [];
  let left = Math.max(0, columns - 1);
  let cut = "";
  for (const [index, part] of text.split(styles).entries()) {
    for (const character of part) {
      left -= charWidth(character);
      if (left < 0) return `${cut}…${codes.length > 0 ? reset : ""}`;
      cut += character;
    }
    cut += codes[index] ?? "";
  }
  return cut;
}

/** Broken between words, so that no line is wider than `columns`, but for a word that is. */
export function wrapTo(text: string, columns: number): string {
  const [first = "", ...words] = text.split(" ");
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    const longer = `${line} ${word}`;
    if (widthOf(longer) <= columns) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].join("\n");
}

/** As `wrapTo`, of several lines: what goes on stands a little further in than its line. */
export function wrapLines(text: string, columns: number): string {
  const wrapped = text.split("\n").map((line) => {
    const words = line.trimStart();
    const indent = line.slice(0, line.length - words.length);
    const further = `${indent}  `;
    return indent + wrapTo(words, columns - further.length).replaceAll("\n", `\n${further}`);
  });
  return wrapped.join("\n");
}

/** Fills up with spaces to a width. */
export function padTo(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

function charWidth(character: string): number {
  // Almost every character is plain ASCII: no pattern is tried on it.
  if (character >= " " && character <= "~") return 1;
  if (marks.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
