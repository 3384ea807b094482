/**
 * Commands of which some are not known here: a project's own, which only the commit has that the plan names. Their
 * arguments are kept as they are written; whoever made the plan has checked them, and who carries them out will.
 */
import { PropagitError } from "@propagit/protocol";
import type { Shape } from "@propagit/shapes";
import type { Command, Commands } from "../command.js";
import type { Plan } from "../plan.js";

const anything: Shape<unknown> = { schema: { type: "object" }, read: () => ({}) };

/** All that are known, and whatever else is asked for by a name that a command may have. */
export class OpenCommands extends Map<string, Command> {
  override get(name: string): Command | undefined {
    const known = super.get(name);
    if (known || !/^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/.test(name)) return known;
    return foreignCommand(name);
  }
}

/** Whether it is only known that there is one. */
export function isForeign({ args }: Pick<Command, "args">): boolean {
  return args === anything;
}

/** Names of commands that a plan uses and that are not among these, each once. */
export function foreignNames({ stages, rollback = [] }: Plan, known: Commands): readonly string[] {
  const names = new Set<string>();
  for (const { lines, gates } of [...stages, ...rollback]) {
    for (const gate of gates) if (gate.kind === "command") names.add(gate.task.command);
    for (const line of lines) {
      for (const { command, undo = [] } of line) {
        names.add(command);
        for (const each of undo) names.add(each.command);
      }
    }
  }
  return [...names].filter((name) => !known.has(name));
}

function foreignCommand(name: string): Command {
  const refuse = () => {
    throw new PropagitError("INTERNAL", `command ${name} is not known here`);
  };
  return {
    name,
    summary: "",
    args: anything,
    describe: refuse,
    run: refuse,
    example: {},
  };
}
