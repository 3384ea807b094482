/** Commands as a plan has them carried out, on a host of the test's choice. */
import { nodeClock } from "@propagit/runtime";
import {
  argsOf,
  localHost,
  toolBox,
  type Command,
  type CommandContext,
  type CommandEnd,
  type Means,
} from "../../src/index.js";

/** Nobody to ask, nothing secret, no file. */
export const noMeans: Means = {
  secret: () => Promise.resolve(undefined),
  readFile: () => Promise.reject(new Error("this test has no files")),
};

type Given = Partial<CommandContext>;

function contextOf(given: Given = {}): CommandContext {
  return {
    host: localHost(),
    means: noMeans,
    clock: nodeClock,
    signal: new AbortController().signal,
    key: "run/1.1.1/1",
    say: () => undefined,
    ...given,
  };
}

export function commandOf(name: string): Command {
  const command = toolBox.get(name);
  if (!command) throw new Error(`there is no command ${name}`);
  return command;
}

/** @param written its arguments as in a plan */
export async function carryOut(
  name: string,
  written: Readonly<Record<string, unknown>>,
  given: Given = {},
): Promise<CommandEnd> {
  const command = commandOf(name);
  return command.run(argsOf(command, written), contextOf(given));
}

/** Only how it ended. */
export async function outcomeOf(...call: Parameters<typeof carryOut>): Promise<string> {
  return (await carryOut(...call)).outcome;
}
