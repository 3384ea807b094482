import { PropagitError, quote } from "@propagit/protocol";
import { Command, Option } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseLabelFlag, parseSeconds, parseWhole } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import type { SetupFlags } from "../setup/set-up.js";

export function setupCommand(): Command {
  const command = withHubFlags(
    new Command("setup")
      .summary("set machines up by ssh: Node, the program, a drone that has joined")
      .description(
        "Sets machines up by ssh, with the system's own client: a Node where there is none that is new enough, the program of this very version, the hub's secret, and a drone as a service, which has joined the hub in the end. Needs no root there. It can be said again, and changes nothing then; from a newer version it is the upgrade, which goes back by itself when the hub does not see the drone after it. Instances run on meanwhile. A host that fails does not hold up the others.",
      )
      .argument("<hosts...>", "deploy@host, or names of ssh's configuration"),
  )
    .option("--name <name>", "name of the drone (default: as it was, else the host name)")
    .option(
      "--labels <key=value,...>",
      "labels of the drones; may be repeated (default: as they were)",
      parseLabels,
    )
    .option("--zone <name>", "short for the label zone=NAME")
    .option("--node <path>", "a file (.tar.xz, .tar.gz) or folder on this machine with a Node")
    .option("--sudo", "a service of the machine, by sudo (default: of the user, but for root)")
    .option("--user", "a service of the user, also for root")
    .option("--no-service", "without systemd: a loop of its own keeps the drone running")
    .option(
      "--data <folder>",
      "data folder there (default: as it was, else ~/.propagit/drone)",
      asFlag(parseData),
    )
    .addOption(
      new Option("--concurrency <count>", "hosts at the same time")
        .argParser(asFlag((text) => parseWhole(text, 1, 64)))
        .default(5),
    )
    .addOption(
      new Option("--wait <seconds>", "until the hub must see the drone")
        .argParser(asFlag(parseSeconds))
        .default(60_000, "60"),
    )
    .option("--force", "also go back to an older version")
    .option("--dry-run", "only show what it would do; no host is asked")
    .option("--json", "print what became of each host as JSON");
  return examples(command, [
    "propagit setup deploy@web-1 deploy@web-2 --hub=hub:6001 --secret-file=secret",
    "propagit setup deploy@web-1 --labels role=web --zone dc1",
    "propagit setup old-machine --node=node-v22.11.0-linux-x64.tar.xz",
  ]).action(async (hosts: readonly string[], flags: SetupFlags) => {
    const { setUp } = await import("../setup/set-up.js");
    await setUp(hosts, flags);
  });
}

function parseLabels(text: string, before: readonly string[] = []): readonly string[] {
  const check = asFlag(parseLabelFlag);
  const labels = text.split(",").map((one) => check(one.trim()).join("="));
  return [...before, ...labels];
}

function parseData(text: string): string {
  if (/^(?:\/|~\/)./.test(text) && !text.includes("\n")) return text;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no folder of a host`, {
    hint: "write it from the root, /srv/propagit, or from the home there, ~/propagit",
  });
}
