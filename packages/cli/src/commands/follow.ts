import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  type ReleaseSummary,
} from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { inEnvironment } from "../output/route.js";
import { fetchReleases } from "../releases.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

export function followCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("follow")
        .summary("look on at a release that somebody deploys")
        .description(
          "Shows what happened to a release so far and what happens, until its end, and ends as its deploy would. Without a number it is the one under way, or else the newest.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("[release]", "number of the release", asFlag(parseReleaseNumber)),
    ),
  );
  return examples(withRolloutFlags(command, { follow: true }), [
    "propagit follow webapp",
    "propagit follow webapp 14 -e staging",
  ]).action(follow);
}

async function follow(
  repo: string,
  release: number | undefined,
  flags: RolloutFlags & EnvironmentFlags,
): Promise<void> {
  const number = release ?? (await findUnderWay(flags, repo));
  await carryOut(flags, {
    ask: (hub, options) =>
      hub.call("hub.follow", { repo, release: number, ...environmentOf(flags) }, options),
    isRepeatable: true,
    isPast: true,
  });
}

/** Releases to look at for the one under way; more never wait. */
const lookedAt = 100;

async function findUnderWay(flags: HubFlags & EnvironmentFlags, repo: string): Promise<number> {
  const { environment = environmentDefault } = flags;
  const releases = await withHub(flags, (hub) =>
    fetchReleases(hub, { repo, last: lookedAt, environment }),
  );
  const isUnderWay = ({ state, phase }: ReleaseSummary) =>
    state === "deploying" && phase !== "queued";
  const found =
    releases.find(isUnderWay) ??
    releases.findLast(({ state }) => state === "deploying") ??
    releases[0];
  if (found) return found.number;
  const place = `${repo}${inEnvironment(environment)}`;
  throw new PropagitError("NO_RELEASE", `there is no release of ${place} yet`, {
    hint: `make one: propagit deploy ${repo} COMMIT`,
  });
}
