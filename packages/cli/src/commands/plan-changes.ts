/** `plan deploy` and its like: what the command of that name would do to the cluster. */
import { parseRepoName, type PlannedChange } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import { withShowFlags } from "../plans/show-flags.js";
import type { PlanShowFlags } from "../plans/show-plan.js";
import { deployChange, withDeployWords } from "./deploy.js";
import { withDroneWord } from "./drone-manage.js";
import { promoteChange, withPromoteWords } from "./promote.js";
import { rollbackChange, withRollbackWords } from "./rollback.js";
import { scaleChange, withScaleWords } from "./scale.js";
import { stopChange, withStopWords } from "./stop.js";

export function planChangeCommands(): readonly Command[] {
  return [
    changeCommand("deploy", "a deploy", {
      words: withDeployWords,
      change: deployChange,
      examples: [
        "propagit plan deploy webapp main --environment production",
        "propagit plan deploy webapp main --waves=5,25,100 --save plan.json",
      ],
    }),
    changeCommand("rollback", "a rollback", {
      words: withRollbackWords,
      change: rollbackChange,
      examples: ["propagit plan rollback webapp", "propagit plan rollback webapp 12 -e staging"],
    }),
    changeCommand("scale", "a change of how many instances services have", {
      words: withScaleWords,
      change: scaleChange,
      examples: ["propagit plan scale webapp web=4"],
    }),
    changeCommand("promote", "sending all visitors somewhere", {
      words: withPromoteWords,
      change: promoteChange,
      examples: ["propagit plan promote webapp 40548da"],
    }),
    changeCommand("stop", "stopping a commit or release", {
      words: withStopWords,
      change: stopChange,
      examples: ["propagit plan stop webapp 74336bc"],
    }),
    changeCommand("reap", "stopping and removing old releases", {
      words: (command) =>
        command.argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
      change: (repo: string | undefined) => ({
        kind: "reap",
        ...(repo !== undefined && { repo }),
      }),
      examples: ["propagit plan reap webapp"],
    }),
    ...(["drain", "undrain"] as const).map((kind) =>
      changeCommand(
        kind,
        kind === "drain" ? "draining a drone" : "ending the draining of a drone",
        {
          words: withDroneWord,
          change: (drone: string) => ({ kind, drone }),
          examples: [`propagit plan ${kind} web-1`],
        },
      ),
    ),
  ];
}

interface ChangeWords<Said extends unknown[], Flags> {
  /** Adds what says which change is meant. */
  readonly words: (command: Command) => Command;
  readonly change: (...said: [...Said, Flags]) => PlannedChange;
  readonly examples: readonly string[];
}

function changeCommand<Said extends unknown[], Flags>(
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
    await showChange(change(...said, flags), flags);
  });
}
