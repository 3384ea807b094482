import { Command, Option } from "commander";
import { examples } from "../examples.js";
import type { ApplyFlags } from "../plans/apply-plan.js";
import { withHubFlags } from "../hub-call.js";
import { withTargetsFlag } from "../targets/book.js";
import { withChoiceFlags, withConfigFlags, withWishFlags } from "../plans/source-flags.js";
import { withShowFlags } from "../plans/show-flags.js";

/** What is said of a plan that is carried out or shown as it is; the one made anew is another. */
const notOfRebase = [
  "local",
  "detach",
  "code",
  "dryRun",
  "only",
  "without",
  "html",
  "dump",
  "json",
];

export function applyCommand(): Command {
  const command = new Command("apply")
    .summary("carry a plan out")
    .description(
      "Has the hub carry a plan out, with tasks on drones: it goes on whoever goes away, and ^C only looks away. With --local it is carried out from this machine: tasks run here and on hosts behind ssh; each step is on disk before and after it, below ~/.propagit/plans (or PROPAGIT_HOME), and what was broken off goes on with `propagit plans resume ID --local`. ^C lets what is under way finish then, and pauses; again, it ends that, too. The plan is a file, or is made by a generator as `propagit plan` does. Ends with 0 only when all was done.",
    )
    .argument("[file]", "the plan, YAML or JSON; - reads it from standard input")
    .option("--local", "carry it out from this machine, without a hub")
    .option("--detach", "have the hub begin it, and do not wait for its end")
    .option(
      "--code <repo[@commit]>",
      "where the hub and its drones find the project's own commands (the commit that is checked out here)",
    )
    .option("--dry-run", "only show what it would do; refuses what would be refused")
    .addOption(
      new Option(
        "--rebase",
        "only show what would be different if the hub made the plan anew; --save writes the new one down",
      ).conflicts([...notOfRebase]),
    );
  return examples(
    withTargetsFlag(
      withHubFlags(withShowFlags(withChoiceFlags(withWishFlags(withConfigFlags(command))))),
    ),
    [
      "propagit apply rollout.yaml",
      "propagit apply rollout.yaml --detach",
      "propagit apply rollout.yaml --local",
      "propagit apply --config production.yaml --code deployer",
      "propagit apply --config production.yaml --directory /srv/packages --local",
      "propagit apply plan.json --dry-run",
      "propagit apply plan.json --without drain,undrain",
      "propagit apply plan.json --rebase --save plan.json",
    ],
  ).action(async (file: string | undefined, flags: ApplyFlags) => {
    const { applyPlan } = await import("../plans/apply-plan.js");
    await applyPlan(file, flags);
  });
}
