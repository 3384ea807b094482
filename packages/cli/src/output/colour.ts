/** Colour where it helps and the terminal takes it; NO_COLOR and pipes are respected by picocolors. */
import picocolors from "picocolors";

const forOutput = picocolors.createColors(process.stdout.isTTY && picocolors.isColorSupported);
const forErrors = picocolors.createColors(process.stderr.isTTY && picocolors.isColorSupported);

export const goodColour = forOutput.green;
export const badColour = forOutput.red;
export const dimColour = forOutput.dim;
export const headColour = forOutput.bold;
export const warningColour = forErrors.red;
