/** `plan deploy` and its like: what the command of that name would do to the cluster. */
import { parseRepoName, type PlannedChange } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import { withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";
import { withShowFlags } from "../plans/show-flags.js";
import type { PlanShowFlags } from "../plans/show-plan.js";
import { deployChange, withDeployWords } from "./deploy.js";
import { withDroneWord } from "./drone-manage.js";
import { pauseChange, resumeChange, withPauseWords, withRepoWord } from "./pause.js";
import { pinChange, withReleaseWords } from "./pin.js";
import { promoteChange, withPromoteWords } from "./promote.js";
import { restartChange, withRestartWords } from "./restart.js";
import { rollbackChange, withRollbackWords } from "./rollback.js";
import { rolloutChange, withRolloutWords } from "./rollout.js";
import { scaleChange, withScaleWords } from "./scale.js";
import { splitChange, withSplitWords } from "./split.js";
import { startChange, withStartWords } from "./start.js";
import { stopChange, withStopWords } from "./stop.js";

export function planChangeCommands(): readonly Command[] {
  return [
    changeCommand("deploy", "a deploy", {
      words: withDeployWords,
      change: deployChange,
      examples: [
        "propagit plan deploy webapp main --env production",
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
    changeCommand("rollout", "beginning a rollout by steps", {
      words: withRolloutWords,
      change: rolloutChange,
      examples: ["propagit plan rollout webapp main --steps 5%,50%,100%"],
    }),
    changeCommand("split", "dividing visitors", {
      words: withSplitWords,
      change: splitChange,
      examples: ["propagit plan split webapp 74336bc=90 40548da=10"],
    }),
    changeCommand("stop", "stopping a commit or release, or single instances", {
      words: withStopWords,
      change: stopChange,
      examples: [
        "propagit plan stop webapp 74336bc",
        "propagit plan stop webapp --service=worker --drone=web-1",
      ],
    }),
    ...instanceCommands(),
    ...pauseCommands(),
    ...retentionCommands(),
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

function instanceCommands(): readonly Command[] {
  return [
    changeCommand("start", "starting instances again", {
      words: withStartWords,
      change: startChange,
      examples: ["propagit plan start webapp --service=worker"],
    }),
    changeCommand("restart", "restarting instances", {
      words: withRestartWords,
      change: restartChange,
      examples: ["propagit plan restart webapp --label zone=eu"],
    }),
  ];
}

function pauseCommands(): readonly Command[] {
  return [
    changeCommand("pause", "holding the requests of a repository", {
      words: (command) => withEnvironmentFlag(withPauseWords(command)),
      change: pauseChange,
      examples: ["propagit plan pause webapp --limit=2m"],
    }),
    changeCommand("resume", "letting the requests of a paused repository go on", {
      words: (command) => withEnvironmentFlag(withRepoWord(command)),
      change: resumeChange,
      examples: ["propagit plan resume webapp"],
    }),
  ];
}

/** What retention does, and what it leaves alone. */
function retentionCommands(): readonly Command[] {
  return [
    changeCommand("reap", "stopping and removing old releases", {
      words: (command) =>
        command.argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
      change: (repo: string | undefined) => ({
        kind: "reap",
        ...(repo !== undefined && { repo }),
      }),
      examples: ["propagit plan reap webapp"],
    }),
    ...(["pin", "unpin"] as const).map((kind) =>
      changeCommand(kind, kind === "pin" ? "keeping a release" : "leaving a release to retention", {
        words: withReleaseWords,
        change: (repo: string, release: number, flags: EnvironmentFlags) =>
          pinChange(kind, repo, release, flags),
        examples: [`propagit plan ${kind} webapp 12`],
      }),
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
    await showChange(change(...said, flags), flags, "leave `plan` out; to keep it, --save FILE");
  });
}
