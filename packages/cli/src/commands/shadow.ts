import { PropagitError, shortCommit } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseRef } from "../flags.js";
import { formatPercent } from "../output/quantity.js";
import type { ChangeOf } from "../plans/dry-run.js";
import { environmentOf, type EnvironmentFlags } from "../targets.js";
import { changeSaid, nameOf, placeOf, withRuleFlags, type RuleFlags } from "../traffic-change.js";
import { parsePercent } from "../traffic-flags.js";
import { withRepoWord } from "./pause.js";

/** Where to, and how much; `plan shadow` has the same words. */
interface ShadowWords extends EnvironmentFlags {
  readonly percent?: number;
  readonly off?: boolean;
}

export function shadowCommand(): Command {
  const command = withShadowWords(
    withRuleFlags(
      new Command("shadow")
        .summary("copy requests to another commit, and throw its answers away")
        .description(
          "Copies a part of the requests to a deployed commit and throws its answers away, so that it meets real traffic before any visitor meets it. What it writes it really writes: give it a database of its own.",
        ),
    ),
  );
  return examples(command, [
    "propagit shadow webapp 40548da --percent=5",
    "propagit shadow webapp --off",
  ]).action(async (repo: string, ref: string | undefined, flags: RuleFlags & ShadowWords) => {
    await changeSaid(shadowChange(repo, ref, flags), flags, ({ shadow: begun }) => {
      const name = nameOf(placeOf(repo, flags));
      if (!begun) return `requests of ${name} are not copied`;
      const { commit, percent } = begun.shadow;
      return `${formatPercent(percent)} of the requests of ${name} are copied to ${shortCommit(commit)}`;
    });
  });
}

export function withShadowWords(command: Command): Command {
  return withRepoWord(command)
    .argument(
      "[commit]",
      "number of a release, full hash, unique prefix, branch or tag",
      asFlag(parseRef),
    )
    .option("--percent <number>", "how much of the requests, as 5", asFlag(parsePercent))
    .option("--off", "no longer");
}

export function shadowChange(
  repo: string,
  ref: string | undefined,
  flags: ShadowWords,
): ChangeOf<"shadow"> {
  const to = wanted(repo, ref, flags);
  return { kind: "shadow", repo, ...(to && { to }), ...environmentOf(flags) };
}

function wanted(repo: string, ref: string | undefined, { percent, off }: ShadowWords) {
  if (off && ref === undefined && percent === undefined) return undefined;
  if (!off && ref !== undefined && percent !== undefined) return { ref, percent };
  throw new PropagitError("BAD_USAGE", "it is either a commit with --percent, or --off", {
    hint: `write \`propagit shadow ${repo} COMMIT --percent=5\`, or \`propagit shadow ${repo} --off\``,
  });
}
