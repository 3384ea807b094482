import { Command } from "commander";
import { examples } from "../examples.js";
import { withConfigFlags, withWishFlags } from "../plans/source-flags.js";
import type { ShowFlags } from "../plans/show-plan.js";

export function planCommand(): Command {
  const command = new Command("plan")
    .summary("show what a plan would do, without doing it")
    .description(
      "Shows what a plan would do: its stages in time, what they wait for, each task with its host. The plan is a file, or is made by a generator of the project's propagit.config. Everything is checked; nothing is begun, and hosts are only looked at when a generator asks which versions they have.",
    )
    .argument("[file]", "the plan, YAML or JSON; - reads it from standard input");
  return examples(withShowFlags(withWishFlags(withConfigFlags(command))), [
    "propagit plan rollout.yaml",
    "propagit plan --config production.yaml --directory /srv/packages --save plan.json",
    "propagit plan plan.json --html plan.html",
  ]).action(async (file: string | undefined, flags: ShowFlags) => {
    const { showPlan } = await import("../plans/show-plan.js");
    await showPlan(file, flags);
  });
}

export function withShowFlags(command: Command): Command {
  return command
    .option("--save <file>", "write the plan there, as JSON, to be edited or carried out later")
    .option("--html <file>", "write a page with its timeline there")
    .option("--dump", "print the plan itself, as JSON")
    .option("--json", "print the plan with every default, its hash and its timeline as JSON")
    .option("--all", "every task, however many, with its timeouts and retries");
}
