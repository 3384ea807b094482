/** Commands that are run on drones: what `run` and `exec` share. */
import { constants } from "node:os";
import {
  PropagitError,
  type Params,
  type Result,
  type RunPart,
  type RunResult,
} from "@propagit/protocol";
import { formatNames } from "./output/quantity.js";
import { plainText } from "./output/text-width.js";

/** @throws BAD_USAGE */
export function checkCommand(name: string, words: readonly string[]): string[] {
  if (words.length > 0 && words.length <= wordsMax) return [...words];
  const why = words.length === 0 ? "needs a command to run" : `takes at most ${wordsMax} words`;
  throw new PropagitError("BAD_USAGE", `${name} ${why}`, {
    hint: `add it after \`--\`: propagit ${name} webapp -- node --version`,
  });
}

/** As the protocol allows it. */
const wordsMax = 200;

/** The exit code that a shell would see: 128 and its number when a signal ended it. */
export function exitCodeOf({ code, signal }: RunResult): number {
  if (signal === undefined) return code;
  const number = (constants.signals as Readonly<Record<string, number>>)[signal];
  return number === undefined ? 1 : 128 + number;
}

/** Drones where the command could not be run at all. */
export function failureOf({ failed }: Result<"hub.run">): PropagitError | undefined {
  const [first] = failed;
  if (!first) return undefined;
  const reasons = failed.map(({ drone, reason }) => `${drone}: ${plainText(reason)}`);
  return new PropagitError("COMMAND_FAILED", `it could not be run on ${formatNames(reasons, 5)}`);
}

export type RunParams = Params<"hub.run">;
export type OutputPart = Extract<RunPart, { kind: "output" }>;
