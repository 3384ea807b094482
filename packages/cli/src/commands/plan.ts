import { Command } from "commander";
import { examples } from "../examples.js";
import { withHubFlags } from "../hub-call.js";
import { withTargetsFlag } from "../targets/book.js";
import { withChoiceFlags, withConfigFlags, withWishFlags } from "../plans/source-flags.js";
import { withShowFlags } from "../plans/show-flags.js";
import type { ShowFlags } from "../plans/show-plan.js";
import { planChangeCommands } from "./plan-changes.js";
import { planFilesCommand } from "./plan-files.js";

export function planCommand(): Command {
  const command = new Command("plan")
    .summary("show what a plan would do, without doing it")
    .description(
      "Shows what a plan would do: its stages in time, what they wait for, each task with its host. The plan is a file, or is made by a generator of the project's propagit.config. Everything is checked, of a file as well whether the hub would begin it, when one is at hand; nothing is begun, and hosts are only looked at when a generator asks which versions they have. `plan deploy`, `plan rollback` and their like show what these commands would do.",
    )
    .argument("[file]", "the plan, YAML or JSON; - reads it from standard input")
    .option("--local", "as this machine would carry it out, without a hub: none is asked");
  for (const change of planChangeCommands()) command.addCommand(change);
  command.addCommand(planFilesCommand());
  return examples(
    withTargetsFlag(
      withHubFlags(withShowFlags(withChoiceFlags(withWishFlags(withConfigFlags(command))))),
    ),
    [
      "propagit plan rollout.yaml",
      "propagit plan deploy webapp main",
      "propagit plan --config production.yaml --directory /srv/packages --save plan.json",
      "propagit plan plan.json --html plan.html",
    ],
  ).action(async (file: string | undefined, flags: ShowFlags) => {
    const { showPlan } = await import("../plans/show-plan.js");
    await showPlan(file, flags);
  });
}
