/** `plan deploy` and its like: what the command of that name would do to the cluster. */
import { parseRepoName } from "@propagit/protocol";
import type { Command } from "commander";
import { asFlag } from "../flags.js";
import type { EnvironmentFlags } from "../targets.js";
import { deployChange, withDeployWords } from "./deploy.js";
import { withDroneWord } from "./drone-manage.js";
import { pinChange, withReleaseWords } from "./pin.js";
import { changeCommand } from "./plan-change.js";
import { trafficChangeCommands } from "./plan-traffic.js";
import { restartChange, withRestartWords } from "./restart.js";
import { rollbackChange, withRollbackWords } from "./rollback.js";
import { scaleChange, withScaleWords } from "./scale.js";
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
    ...trafficChangeCommands(),
    changeCommand("stop", "stopping a commit or release, or single instances", {
      words: withStopWords,
      change: stopChange,
      examples: [
        "propagit plan stop webapp 74336bc",
        "propagit plan stop webapp --service=worker --drone=web-1",
      ],
    }),
    ...instanceCommands(),
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
