/** A command such as `plan deploy`: what the command of that name would do to the cluster. */
import type { PlannedChange } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import { withShowFlags } from "../plans/show-flags.js";
import type { PlanShowFlags } from "../plans/show-plan.js";

interface ChangeWords<Said extends unknown[], Flags> {
  /** Adds what says which change is meant. */
  readonly words: (command: Command) => Command;
  readonly change: (...said: [...Said, Flags]) => PlannedChange;
  readonly examples: readonly string[];
}

export function changeCommand<Said extends unknown[], Flags>(
  name: string,
  what: string,
  { words, change, examples: lines }: ChangeWords<Said, Flags>,
): Command {
  const bare = new Command(name)
    .summary(`show what ${what} would do`)
    .description(
      `Has the hub plan ${what}, and shows it: stages, waves and drones in their order, what is skipped because it is so already, what travels and how long it takes by what past releases took. Nothing is changed. With --save it can be carried out later, exactly so, with \`propagit apply\`; that is refused when the state it was made from has moved.`,
    );
  const command = withShowFlags(withHubFlags(words(bare)));
  return examples(command, lines).action(async (...given: unknown[]) => {
    // Flags that `plan` has as well are taken by it.
    const flags = (given.at(-1) as Command).optsWithGlobals<Flags & PlanShowFlags & HubFlags>();
    const said = given.slice(0, -2) as Said;
    const { showChange } = await import("../plans/show-change.js");
    await showChange(change(...said, flags), flags, "leave `plan` out; to keep it, --save FILE");
  });
}
