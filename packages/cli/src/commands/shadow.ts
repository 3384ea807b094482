import { parseRepoName, PropagitError, shortCommit } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseRef } from "../flags.js";
import { formatPercent } from "../output/quantity.js";
import {
  changeRoute,
  nameOf,
  placeOf,
  withTrafficFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { parsePercent } from "../traffic-flags.js";

interface ShadowFlags extends TrafficFlags {
  readonly percent?: number;
  readonly off?: boolean;
}

export function shadowCommand(): Command {
  const command = withTrafficFlags(
    new Command("shadow")
      .summary("copy requests to another commit, and throw its answers away")
      .description(
        "Copies a part of the requests to a deployed commit and throws its answers away, so that it meets real traffic before any visitor meets it. What it writes it really writes: give it a database of its own.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument(
        "[commit]",
        "number of a release, full hash, unique prefix, branch or tag",
        asFlag(parseRef),
      ),
  )
    .option("--percent <number>", "how much of the requests, as 5", asFlag(parsePercent))
    .option("--off", "no longer");
  return examples(command, [
    "propagit shadow webapp 40548da --percent=5",
    "propagit shadow webapp --off",
  ]).action(shadow);
}

async function shadow(repo: string, ref: string | undefined, flags: ShadowFlags): Promise<void> {
  const to = wanted(repo, ref, flags);
  const place = placeOf(repo, flags);
  await changeRoute(
    flags,
    (hub) => hub.call("hub.shadow", { ...place, ...(to && { to }) }),
    ({ shadow: begun }) => {
      if (!begun) return `requests of ${nameOf(place)} are not copied`;
      const { commit, percent } = begun.shadow;
      return `${formatPercent(percent)} of the requests of ${nameOf(place)} are copied to ${shortCommit(commit)}`;
    },
  );
}

function wanted(repo: string, ref: string | undefined, { percent, off }: ShadowFlags) {
  if (off && ref === undefined && percent === undefined) return undefined;
  if (!off && ref !== undefined && percent !== undefined) return { ref, percent };
  throw new PropagitError("BAD_USAGE", "it is either a commit with --percent, or --off", {
    hint: `write \`propagit shadow ${repo} COMMIT --percent=5\`, or \`propagit shadow ${repo} --off\``,
  });
}
