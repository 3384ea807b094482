import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { formatDuration } from "../output/duration.js";
import {
  changeRoute,
  nameOf,
  placeOf,
  withTrafficFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { parseDurationMs } from "../traffic-flags.js";

/** Browsers and proxies in front give up after half a minute or a minute. */
const limitDefault = { text: "30s", ms: 30_000 } as const;

interface PauseFlags extends TrafficFlags {
  readonly limit?: number;
}

export function pauseCommand(): Command {
  const command = withTrafficFlags(
    new Command("pause")
      .summary("hold the requests of a repository, as during a migration")
      .description(
        "Holds requests until `propagit resume`: each waits up to the limit, then it is answered with 503 and Retry-After. Nothing is lost that is back in time.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName)),
  ).option(
    "--limit <duration>",
    `how long a request waits at most (default: ${limitDefault.text})`,
    asFlag(parseDurationMs),
  );
  return examples(command, ["propagit pause webapp", "propagit pause webapp --limit=2m"]).action(
    async (repo: string, flags: PauseFlags) => {
      const { limit: limitMs = limitDefault.ms } = flags;
      const place = placeOf(repo, flags);
      const set = { pause: { limitMs } };
      await changeRoute(
        flags,
        (hub) => hub.call("hub.rules", { ...place, set, off: [], unset: [] }),
        () =>
          `${nameOf(place)} is paused: requests wait for up to ${formatDuration(limitMs)}; go on with \`propagit resume ${repo}\``,
      );
    },
  );
}

export function resumeCommand(): Command {
  const command = withTrafficFlags(
    new Command("resume")
      .summary("let the requests of a paused repository go on")
      .description("Lets requests that wait go on, in the order they came, and new ones with them.")
      .argument("<repo>", "the repository", asFlag(parseRepoName)),
  );
  return examples(command, ["propagit resume webapp"]).action(
    async (repo: string, flags: TrafficFlags) => {
      const place = placeOf(repo, flags);
      await changeRoute(
        flags,
        (hub) => hub.call("hub.rules", { ...place, set: {}, off: [], unset: ["pause"] }),
        () => `${nameOf(place)} is not paused`,
      );
    },
  );
}
