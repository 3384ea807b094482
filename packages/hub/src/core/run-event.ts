/** That somebody ran a command: who, what and where. What it was given with `--env` is never part of it. */
import type { Params } from "@propagit/protocol";
import { nameOfRelease } from "./rollout-edits.js";
import type { NewEvent, ReleaseRow } from "./rows.js";
import type { ChosenRun } from "./run-choice.js";
import { someOf } from "./some-of.js";

/** Of a command line; enough to know it again. */
const commandCharsMax = 200;
/** Drones that are named; more are counted. */
const namedMax = 20;

export function runEvent(
  release: ReleaseRow,
  { command, inside, by = "somebody" }: Pick<Params<"hub.run">, "command" | "inside" | "by">,
  runs: readonly ChosenRun[],
): NewEvent {
  const { repo, environment, number, commit } = release;
  const names = [...new Set(runs.map(({ drone }) => drone))];
  const [only, ...others] = names;
  const where = inside ? "inside instances of" : "beside";
  const drones = someOf(names, namedMax);
  const what = `${by} runs \`${shownCommand(command)}\` ${where} ${nameOfRelease(release)}`;
  return {
    kind: "ran",
    repo,
    environment,
    release: number,
    commit,
    ...(only !== undefined && others.length === 0 && { drone: only }),
    by,
    text: drones === "" ? what : `${what} on ${drones}`,
  };
}

/** On one line, cut when it is long. */
export function shownCommand(command: readonly string[]): string {
  const line = command.map(shownWord).join(" ");
  return line.length > commandCharsMax ? `${line.slice(0, commandCharsMax)}…` : line;
}

function shownWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word);
}
