/** A failure of a step is told together with what to do about it, which a task's end has no place for. */
import type { Command } from "@propagit/plan";
import { toPropagitError } from "@propagit/protocol";

const mark = "next: ";

export function withHint(step: Command): Command {
  return {
    ...step,
    run: async (args, context) => {
      try {
        return await step.run(args, context);
      } catch (thrown) {
        const { hint } = toPropagitError(thrown);
        if (!context.signal.aborted) context.say(`${mark}${hint}`);
        throw thrown;
      }
    },
  };
}

/** What was to be done next, of the last lines of a task. */
export function hintIn(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => line.startsWith(mark))?.slice(mark.length);
}
