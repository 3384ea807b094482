import { parseRepoName, type ClusterEvent } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRelease } from "../output/release.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

export function releaseCommand(): Command {
  return withHubFlags(
    new Command("release")
      .summary("one release in detail")
      .description("One release in detail; `propagit releases` lists them."),
  ).addCommand(showCommand());
}

function showCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("show")
        .summary("all that is known of a release")
        .description(
          "Shows a release: who made it out of what, which settings changed, its services, how long each phase took, what came of each drone, and its events.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("<release>", "its number", asFlag(parseReleaseNumber)),
    ),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit release show webapp 14"]).action(
    async (repo: string, release: number, _: unknown, command: Command) =>
      show(repo, release, command.optsWithGlobals()),
  );
}

async function show(
  repo: string,
  release: number,
  flags: HubFlags & EnvironmentFlags & { readonly json?: boolean },
): Promise<void> {
  const events: ClusterEvent[] = [];
  const detail = await withHub(flags, (hub) =>
    hub.call(
      "hub.release",
      { repo, release, ...environmentOf(flags) },
      { onPart: (event) => void events.push(event) },
    ),
  );
  if (flags.json) printJson({ ...detail, events });
  else print(formatRelease(detail, events));
}
