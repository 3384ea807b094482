/** Colour where it helps and the terminal takes it; NO_COLOR and pipes are respected by picocolors. */
import picocolors from "picocolors";

const forOutput = picocolors.createColors(isTerminal(process.stdout));
const forErrors = picocolors.createColors(isTerminal(process.stderr));

export const goodColour = forOutput.green;
export const badColour = forOutput.red;
export const dimColour = forOutput.dim;
export const headColour = forOutput.bold;
export const warningColour = forErrors.red;

/** Whether what is printed may hold colours of its own. */
export const isColourful = forOutput.isColorSupported;

/** Colours that are readable on light and dark; red and green mean something. */
const distinct = [
  forOutput.cyan,
  forOutput.yellow,
  forOutput.magenta,
  forOutput.blue,
  forOutput.cyanBright,
  forOutput.magentaBright,
] as const;

/** The same colour for the same key, mostly another for another one. */
export function tellApart(key: string, text: string): string {
  let hash = 0;
  for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  const colour = distinct[hash % distinct.length];
  return colour ? colour(text) : text;
}

/** `isTTY` is missing, not false, where there is no terminal; picocolors would then decide by itself. */
function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY ? picocolors.isColorSupported : false;
}
