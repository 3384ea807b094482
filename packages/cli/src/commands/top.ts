import { parseRepoName, type TrafficSight } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { openPicture } from "../output/picture.js";
import { printJsonLine } from "../output/print.js";
import { formatTop } from "../output/top.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface TopFlags extends HubFlags, EnvironmentFlags {
  readonly once?: boolean;
  readonly json?: boolean;
}

export function topCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("top")
        .summary("who gets visitors now, how fast they are answered, and what fails")
        .description(
          "Shows what all proxies count, drawn anew each second until ^C: requests, failures and latencies of the last seconds by commit, the shares that are wanted and those that are observed. Without a terminal a table each second. A row `direct` is of visitors who asked for that commit, by its host name, a pin, or as an app beside it: they are in nobody's share; a row `NAME=VARIANT` is of those in an experiment. A proxy is silent when the hub does not hear it, not when it has no visitors.",
        )
        .argument("[repo]", "a repository (default: all)", asFlag(parseRepoName)),
    ),
    "all",
  )
    .option("--once", "show it once and end")
    .option("--json", "print each as a line of JSON");
  return examples(command, ["propagit top", "propagit top webapp --once --json"]).action(top);
}

async function top(repo: string | undefined, flags: TopFlags): Promise<void> {
  const show = flags.json ? printJsonLine : drawn();
  await withHub(flags, (hub) => {
    const params = { ...(repo !== undefined && { repo }), ...environmentOf(flags) };
    const follow = !flags.once;
    const options = { limitMs: follow ? 0 : 10_000, onPart: show };
    return hub.call("hub.traffic", { ...params, follow }, options);
  });
}

function drawn(): (sight: TrafficSight) => void {
  const picture = openPicture();
  return (sight) => picture.show(formatTop(sight, picture.columns));
}
