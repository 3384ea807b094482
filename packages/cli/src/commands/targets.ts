/** `propagit targets`: what names of drones mean now, who would be reached when. */
import { PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { findTargets, withTargetsFlag, type TargetsFlags } from "../targets/book.js";

interface Flags extends HubFlags, TargetsFlags {
  readonly json?: boolean;
}

export function targetsCommand(): Command {
  const command = withTargetsFlag(
    withHubFlags(
      new Command("targets")
        .summary("named selections of drones, and when they are reached")
        .description(
          "Shows what targets mean now: drones, the delay of each, and what relays hand on. They are defined by `targets` and `relays` of propagit.yaml, or of a file. See docs/targets.md.",
        )
        .argument("[name]", "only that target"),
    ),
  ).option("--json", "print it as JSON");
  return examples(command, [
    "propagit targets",
    "propagit targets all --targets=targets.json --targets=dc2-head=dc2/targets.json",
  ]).action(targets);
}

async function targets(name: string | undefined, flags: Flags): Promise<void> {
  const found = findTargets(flags);
  if (!found || (found.book.targets.size === 0 && name === undefined)) {
    throw new PropagitError("BAD_TARGET", "no targets are defined here", {
      hint: "write `targets: { all: { '*': now } }` into propagit.yaml, or name a file with --targets; docs/targets.md",
    });
  }
  const { dronesOfHub } = await import("../targets/select.js");
  const { lookAtTargets, targetText } = await import("../targets/show.js");
  const drones = await withHub(flags, dronesOfHub);
  const names = name === undefined ? [...found.book.targets.keys()] : [name];
  const shown = lookAtTargets(found, drones, names);
  const good = shown.filter(({ problem }) => !problem);
  if (flags.json) {
    printJson(shown.map(({ problem, ...one }) => ({ ...one, problem: problem?.message })));
  } else print(good.map(targetText).join("\n"));
  // What is wrong with a relay is wrong with all of them.
  const problems = new Set(shown.flatMap(({ problem }) => problem?.message ?? []));
  if (problems.size > 0) throw new PropagitError("BAD_TARGET", [...problems].join("\n  "));
}
