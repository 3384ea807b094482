import { Command } from "commander";
import { examples } from "../examples.js";
import { carryOutPush } from "../files/carry-out-push.js";
import { withPushWords, type PushFlags } from "../files/push-flags.js";
import { withShowFlags } from "../plans/show-flags.js";
import type { PlanShowFlags } from "../plans/show-plan.js";

/** `plan files`: what `files push` of the same words would do. */
export function planFilesCommand(): Command {
  const command = new Command("files")
    .summary("show what a push of files would do")
    .description(
      "Shows what `files push` with the same words would do: what would change on each drone, then the plan: drones, what is there already and skipped, what travels, and how long it takes by what the last push there took. Nothing is changed, and only the list of files goes to the hub. With --save the files go there as well, so that `propagit apply` can carry the plan out within an hour; it is refused when the hub has them no more, or files were pushed there meanwhile.",
    );
  return examples(withShowFlags(withPushWords(command)), [
    "propagit plan files site/ 'role=web:/srv/site'",
    "propagit plan files --replace site/ web-1:/srv/site --save plan.json",
  ]).action(async (words: readonly string[], _: unknown, self: Command) => {
    // Flags that `plan` has as well are taken by it.
    const flags = self.optsWithGlobals<PushFlags & PlanShowFlags>();
    await carryOutPush(words, flags, flags);
  });
}
