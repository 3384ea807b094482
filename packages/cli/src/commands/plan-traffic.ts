/** `plan promote` and its like: what changes of where visitors go, and how they are treated, would do. */
import { canaryChanges } from "@propagit/protocol";
import { Command } from "commander";
import { withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";
import {
  experimentStart,
  experimentStop,
  withExperimentWords,
  withWinnerWords,
} from "./experiment.js";
import { maintenanceOff, maintenanceOn, withMaintenanceWords } from "./maintenance.js";
import { pauseChange, resumeChange, withPauseWords, withRepoWord } from "./pause.js";
import { changeCommand } from "./plan-change.js";
import { promoteChange, withPromoteWords } from "./promote.js";
import { addChange, removeChange, withAddWords, withHostWords } from "./route-hosts.js";
import { setChange, unsetChange, withSetWords, withUnsetWords } from "./route.js";
import { rolloutChange, rolloutChanges, underWayChange, withRolloutWords } from "./rollout.js";
import { shadowChange, withShadowWords } from "./shadow.js";
import { splitChange, withSplitWords } from "./split.js";

export function trafficChangeCommands(): readonly Command[] {
  return [
    changeCommand("promote", "sending all visitors somewhere", {
      words: withPromoteWords,
      change: promoteChange,
      examples: ["propagit plan promote webapp 40548da"],
    }),
    rolloutCommand(),
    changeCommand("split", "dividing visitors", {
      words: withSplitWords,
      change: splitChange,
      examples: ["propagit plan split webapp 74336bc=90 40548da=10"],
    }),
    experimentCommand(),
    changeCommand("shadow", "copying requests to another commit", {
      words: somewhere(withShadowWords),
      change: shadowChange,
      examples: ["propagit plan shadow webapp 40548da --percent=5"],
    }),
    changeCommand("pause", "holding the requests of a repository", {
      words: somewhere(withPauseWords),
      change: pauseChange,
      examples: ["propagit plan pause webapp --limit=2m"],
    }),
    changeCommand("resume", "letting the requests of a paused repository go on", {
      words: somewhere(withRepoWord),
      change: resumeChange,
      examples: ["propagit plan resume webapp"],
    }),
    maintenanceCommand(),
    routeCommand(),
  ];
}

function rolloutCommand(): Command {
  const command = changeCommand("rollout", "beginning a rollout by steps", {
    words: withRolloutWords,
    change: rolloutChange,
    examples: [
      "propagit plan rollout webapp main --steps 5%,50%,100%",
      "propagit plan rollout abort webapp",
    ],
  });
  for (const change of canaryChanges) {
    const what = `\`rollout ${change}\` (${rolloutChanges[change]})`;
    command.addCommand(
      changeCommand(change, what, {
        words: somewhere(withRepoWord),
        change: (repo: string, flags: EnvironmentFlags) => underWayChange(change, repo, flags),
        examples: [`propagit plan rollout ${change} webapp`],
      }),
    );
  }
  return command;
}

function experimentCommand(): Command {
  return new Command("experiment")
    .summary("show what beginning or ending an experiment would do")
    .addCommand(
      changeCommand("start", "starting an experiment", {
        words: somewhere(withExperimentWords),
        change: experimentStart,
        examples: [
          "propagit plan experiment start webapp checkout --variant old=50 --variant new=50:40548da",
        ],
      }),
    )
    .addCommand(
      changeCommand("stop", "ending an experiment", {
        words: somewhere(withWinnerWords),
        change: experimentStop,
        examples: ["propagit plan experiment stop webapp checkout --promote=new"],
      }),
    );
}

function maintenanceCommand(): Command {
  return new Command("maintenance")
    .summary("show what a maintenance page, or its end, would do")
    .addCommand(
      changeCommand("on", "showing a page to every visitor", {
        words: somewhere(withMaintenanceWords),
        change: maintenanceOn,
        examples: ["propagit plan maintenance on webapp --save plan.json"],
      }),
    )
    .addCommand(
      changeCommand("off", "letting visitors in again", {
        words: somewhere(withRepoWord),
        change: maintenanceOff,
        examples: ["propagit plan maintenance off webapp"],
      }),
    );
}

function routeCommand(): Command {
  return new Command("route")
    .summary("show what changes of rules and host names by hand would do")
    .addCommand(
      changeCommand("set", "setting rules", {
        words: somewhere(withSetWords),
        change: setChange,
        examples: ["propagit plan route set webapp rate=100/s"],
      }),
    )
    .addCommand(
      changeCommand("unset", "going back to what the manifest says", {
        words: somewhere(withUnsetWords),
        change: unsetChange,
        examples: ["propagit plan route unset webapp rate"],
      }),
    )
    .addCommand(
      changeCommand("add", "adding a host name", {
        words: somewhere(withAddWords),
        change: addChange,
        examples: ["propagit plan route add www.example.com webapp"],
      }),
    )
    .addCommand(
      changeCommand("rm", "taking away a host name", {
        words: somewhere((command) => withHostWords(command, "the host name, with its path")),
        change: removeChange,
        examples: ["propagit plan route rm old.example.com webapp"],
      }),
    );
}

/** With the flag that says which environment. */
function somewhere(words: (command: Command) => Command): (command: Command) => Command {
  return (command) => withEnvironmentFlag(words(command));
}
