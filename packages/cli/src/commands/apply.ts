import { Command } from "commander";
import { examples } from "../examples.js";
import type { ApplyFlags } from "../plans/apply-plan.js";
import { withConfigFlags, withWishFlags } from "../plans/source-flags.js";
import { withShowFlags } from "./plan.js";

export function applyCommand(): Command {
  const command = new Command("apply")
    .summary("carry a plan out")
    .description(
      "Carries a plan out, from this machine: its tasks run here and on hosts behind ssh. The plan is a file, or is made by a generator as `propagit plan` does. Each step is on disk before and after it, below ~/.propagit/plans (or PROPAGIT_HOME): what was broken off goes on with `propagit plans resume`. ^C lets what is under way finish, and pauses; again, it ends that, too. Ends with 0 only when all was done.",
    )
    .argument("[file]", "the plan, YAML or JSON; - reads it from standard input")
    .option("--local", "carry it out from this machine, which is the only way there is yet")
    .option("--dry-run", "only show what it would do, as `propagit plan`");
  return examples(withShowFlags(withWishFlags(withConfigFlags(command))), [
    "propagit apply rollout.yaml --local",
    "propagit apply --config production.yaml --directory /srv/packages --local",
    "propagit apply plan.json --dry-run",
  ]).action(async (file: string | undefined, flags: ApplyFlags) => {
    const { applyPlan } = await import("../plans/apply-plan.js");
    await applyPlan(file, flags);
  });
}
