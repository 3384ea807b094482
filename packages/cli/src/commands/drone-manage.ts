/** `drone drain`, `drone undrain` and `drone label`: what is done to a drone from afar. */
import { parseDroneName, parseLabel, PropagitError, quote } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { formatFailed } from "../output/failed-instances.js";
import { print, printJson } from "../output/print.js";
import { formatProgress } from "../output/progress.js";
import { formatCount } from "../output/quantity.js";
import { showDryRun, withDryRunFlag, type DryRunFlags } from "../plans/dry-run.js";
import { formatLabels } from "./drones.js";

export function droneManagement(): readonly Command[] {
  return [drainCommand("drain"), drainCommand("undrain"), labelCommand()];
}

function drainCommand(name: "drain" | "undrain"): Command {
  const isDrain = name === "drain";
  const bare = isDrain
    ? new Command("drain")
        .summary("move everything away from a drone")
        .description(
          "Gives a drone nothing new and moves away what can run elsewhere, then ends its instances; for work on the machine.",
        )
    : new Command("undrain")
        .summary("let a drone have instances again")
        .description("Ends the draining of a drone: it gets instances again.");
  const command = withDryRunFlag(withDroneWord(withHubFlags(bare)));
  return examples(command, [`propagit drone ${name} web-1`]).action(
    async (drone: string, _: unknown, command: Command) => {
      const { dryRun, ...flags } = command.optsWithGlobals<DryRunFlags>();
      if (dryRun) return showDryRun({ kind: name, drone }, flags);
      const params = { drone, drain: isDrain, by: author() };
      const { instances, failed = [] } = await withHub(flags, (hub) =>
        hub.call("hub.drain", params, {
          limitMs: 0,
          onPart: (progress) => print(formatProgress(progress)),
        }),
      );
      if (failed.length > 0) {
        throw new PropagitError("STOP_FAILED", `${drone} is not drained: ${formatFailed(failed)}`, {
          hint: `see why with \`propagit ps\`, then drain it again, or: propagit drone undrain ${drone}`,
        });
      }
      const rest = `it runs ${formatCount(instances, "instance")}`;
      print(isDrain ? `${drone} is drained; ${rest}\n` : `${drone} takes instances; ${rest}\n`);
    },
  );
}

/** Which one; `plan drain` has the same word. */
export function withDroneWord(command: Command): Command {
  return command.argument("<name>", "the drone", asFlag(parseDroneName));
}

type LabelChange =
  | { readonly kind: "set"; readonly key: string; readonly value: string }
  | { readonly kind: "unset"; readonly key: string };

function labelCommand(): Command {
  const bare = withHubFlags(
    new Command("label")
      .summary("change labels of a drone")
      .description(
        "Changes labels of a drone for good, over those it is started with. Services are placed anew by what they ask for.",
      )
      .argument("<name>", "the drone", asFlag(parseDroneName))
      .argument(
        "<change...>",
        "key=value to set, key- to take away",
        asRepeatedFlag(parseLabelChange),
      ),
  ).option("--json", "print the labels as JSON");
  return examples(withDryRunFlag(bare), [
    "propagit drone label web-1 zone=eu gpu-",
    "propagit drone label web-1 role=web --dry-run",
  ]).action(label);
}

async function label(
  drone: string,
  changes: readonly LabelChange[],
  _: unknown,
  command: Command,
): Promise<void> {
  const flags = command.optsWithGlobals<DryRunFlags>();
  const set = changes.flatMap((change) =>
    change.kind === "set" ? [[change.key, change.value] as const] : [],
  );
  const unset = changes.flatMap((change) => (change.kind === "unset" ? [change.key] : []));
  const asked = { drone, set: Object.fromEntries(set), unset };
  if (flags.dryRun) return showDryRun({ kind: "label", ...asked }, flags);
  const params = { ...asked, by: author() };
  const { labels } = await withHub(flags, (hub) => hub.call("hub.label", params));
  if (flags.json) printJson(labels);
  else print(`${drone}: ${formatLabels(labels)}\n`);
}

/** @throws BAD_NAME */
export function parseLabelChange(text: string): LabelChange {
  if (text.includes("=")) return { kind: "set", ...parseLabel(text) };
  const key = text.slice(0, -1);
  if (text.endsWith("-") && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(key)) {
    return { kind: "unset", key };
  }
  throw new PropagitError("BAD_NAME", `${quote(text)} is no change of a label`, {
    hint: "write it like role=web, or role- to take it away",
  });
}
