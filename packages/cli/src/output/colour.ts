/** Colour where it helps and the terminal takes it; NO_COLOR and pipes are respected by picocolors. */
import picocolors from "picocolors";

const forOutput = picocolors.createColors(isTerminal(process.stdout));
const forErrors = picocolors.createColors(isTerminal(process.stderr));

export const goodColour = forOutput.green;
export const badColour = forOutput.red;
export const dimColour = forOutput.dim;
export const headColour = forOutput.bold;
export const warningColour = forErrors.red;

/** `isTTY` is missing, not false, where there is no terminal; picocolors would then decide by itself. */
function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY ? picocolors.isColorSupported : false;
}
