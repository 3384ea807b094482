import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { formatDuration } from "../output/duration.js";
import type { ChangeOf } from "../plans/dry-run.js";
import type { EnvironmentFlags } from "../targets.js";
import {
  changeSaid,
  nameOf,
  placeOf,
  rulesChange,
  withRuleFlags,
  type RuleFlags,
} from "../traffic-change.js";
import { parseDurationMs } from "../traffic-flags.js";

/** Browsers and proxies in front give up after half a minute or a minute. */
const limitDefault = { text: "30s", ms: 30_000 } as const;

/** How long; `plan pause` has the same words. */
interface PauseWords extends EnvironmentFlags {
  readonly limit?: number;
}

export function pauseCommand(): Command {
  const command = withPauseWords(
    withRuleFlags(
      new Command("pause")
        .summary("hold the requests of a repository, as during a migration")
        .description(
          "Holds requests until `propagit resume`: each waits up to the limit, then it is answered with 503 and Retry-After. Nothing is lost that is back in time.",
        ),
    ),
  );
  return examples(command, ["propagit pause webapp", "propagit pause webapp --limit=2m"]).action(
    async (repo: string, flags: RuleFlags & PauseWords) => {
      const limit = formatDuration(flags.limit ?? limitDefault.ms);
      await changeSaid(
        pauseChange(repo, flags),
        flags,
        () =>
          `${nameOf(placeOf(repo, flags))} is paused: requests wait for up to ${limit}; go on with \`propagit resume ${repo}\``,
      );
    },
  );
}

export function resumeCommand(): Command {
  const command = withRepoWord(
    withRuleFlags(
      new Command("resume")
        .summary("let the requests of a paused repository go on")
        .description(
          "Lets requests that wait go on, in the order they came, and new ones with them.",
        ),
    ),
  );
  return examples(command, ["propagit resume webapp"]).action(
    async (repo: string, flags: RuleFlags) => {
      const change = resumeChange(repo, flags);
      await changeSaid(change, flags, () => `${nameOf(placeOf(repo, flags))} is not paused`);
    },
  );
}

export function withPauseWords(command: Command): Command {
  return withRepoWord(command).option(
    "--limit <duration>",
    `how long a request waits at most (default: ${limitDefault.text})`,
    asFlag(parseDurationMs),
  );
}

/** Which one; `plan resume` and others have the same word. */
export function withRepoWord(command: Command): Command {
  return command.argument("<repo>", "the repository", asFlag(parseRepoName));
}

export function pauseChange(repo: string, flags: PauseWords): ChangeOf<"rules"> {
  const { limit: limitMs = limitDefault.ms } = flags;
  return rulesChange(repo, flags, { set: { pause: { limitMs } } });
}

export function resumeChange(repo: string, flags: EnvironmentFlags): ChangeOf<"rules"> {
  return rulesChange(repo, flags, { unset: ["pause"] });
}
