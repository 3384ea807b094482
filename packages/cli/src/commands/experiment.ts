import { parseRepoName, PropagitError, quote, type Condition } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { fetchExperiments, formatExperiments } from "../output/experiments.js";
import { print, printJson } from "../output/print.js";
import { formatExperiment } from "../output/route-view.js";
import { formatRoute } from "../output/route.js";
import type { ChangeOf } from "../plans/dry-run.js";
import { environmentOf, type EnvironmentFlags } from "../targets.js";
import {
  changeSaid,
  nameOf,
  placeOf,
  withRuleFlags,
  withSightFlags,
  type RuleFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import {
  parseCondition,
  parseVariant,
  parseWhen,
  type WantedRule,
  type WantedVariant,
} from "../traffic-flags.js";
import { withRepoWord } from "./pause.js";

/** What it is between; `plan experiment start` has the same words. */
interface ExperimentWords extends EnvironmentFlags {
  readonly variant?: WantedVariant[];
  readonly when?: WantedRule[];
  readonly audience?: Condition;
}

/** How it ends; `plan experiment stop` has the same words. */
interface WinnerWords extends EnvironmentFlags {
  readonly promote?: string;
}

export function experimentCommand(): Command {
  return withHubFlags(
    new Command("experiment")
      .summary("several variants beside each other, each visitor in one")
      .description(
        "Named experiments: visitors are divided between variants and stay in theirs, independently of other experiments and of splits. The app learns the variant from the header X-Propagit-Variant.",
      ),
  )
    .addCommand(startCommand())
    .addCommand(statusCommand())
    .addCommand(stopCommand());
}

function startCommand(): Command {
  const command = withExperimentWords(
    withRuleFlags(
      new Command("start")
        .summary("start an experiment")
        .description(
          "Starts an experiment between deployed commits, or between names only that the app itself treats differently. What serves a variant is kept until the experiment ends. Of two experiments that want different commits for a visitor, the one that started first decides.",
        ),
    ),
  );
  return examples(command, [
    "propagit experiment start webapp checkout --variant old=50 --variant new=50:40548da",
    "propagit experiment start webapp header --variant a=90 --variant b=10 --when 'header x-team=qa:b' --audience 'percent 20'",
  ]).action(async (repo: string, name: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags & ExperimentWords>();
    await changeSaid(experimentStart(repo, name, flags), flags, ({ experiments }) => {
      const begun = experiments.find((one) => one.name === name);
      return begun ? formatExperiment(begun).trimEnd() : `experiment ${name} is over already`;
    });
  });
}

export function withExperimentWords(command: Command): Command {
  return withNameWords(command)
    .option(
      "--variant <name=weight:commit>",
      "a variant, its weight, and what serves it (default: whatever visitors get anyway); may be repeated",
      asRepeatedFlag(parseVariant),
    )
    .option(
      "--when <condition:variant>",
      "visitors for whom it holds get this variant: `header x-team=qa:b`, `cookie staff:b`; may be repeated",
      asRepeatedFlag(parseWhen),
    )
    .option(
      "--audience <condition>",
      "only these visitors take part: `percent 20`, `header x-country=de,at and cookie beta`",
      asFlag(parseCondition),
    );
}

export function experimentStart(
  repo: string,
  name: string,
  flags: ExperimentWords,
): ChangeOf<"experiment-start"> {
  const { variant: variants = [], when: rules = [], audience } = flags;
  const wanted = { name, variants, rules, ...(audience && { audience }) };
  return { kind: "experiment-start", repo, ...wanted, ...environmentOf(flags) };
}

function statusCommand(): Command {
  const command = withSightFlags(
    new Command("status")
      .summary("what is wanted of each variant, and what is observed")
      .description(
        "Shows experiments with the share that each variant is to get, and what proxies have counted of it in the last minute.",
      )
      .argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
  );
  return examples(command, [
    "propagit experiment status",
    "propagit experiment status webapp",
  ]).action(async (repo: string | undefined, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<TrafficFlags>();
    const places = await withHub(flags, (hub) => fetchExperiments(hub, repo, flags));
    if (flags.json) printJson(places);
    else print(formatExperiments(places));
  });
}

function stopCommand(): Command {
  const command = withWinnerWords(
    withRuleFlags(
      new Command("stop")
        .summary("end an experiment, with or without a winner")
        .description(
          "Ends an experiment. With --promote all visitors are sent to what served that variant, in the same step.",
        ),
    ),
  );
  return examples(command, [
    "propagit experiment stop webapp checkout",
    "propagit experiment stop webapp checkout --promote=new",
  ]).action(async (repo: string, name: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags & WinnerWords>();
    await changeSaid(
      experimentStop(repo, name, flags),
      flags,
      (view) =>
        `experiment ${name} of ${nameOf(placeOf(repo, flags))} is over; ${formatRoute(view).trimEnd()}`,
    );
  });
}

export function withWinnerWords(command: Command): Command {
  return withNameWords(command).option(
    "--promote <variant>",
    "the winner",
    asFlag(parseExperiment),
  );
}

export function experimentStop(
  repo: string,
  name: string,
  flags: WinnerWords,
): ChangeOf<"experiment-stop"> {
  const { promote } = flags;
  const wanted = { name, ...(promote !== undefined && { promote }) };
  return { kind: "experiment-stop", repo, ...wanted, ...environmentOf(flags) };
}

function withNameWords(command: Command): Command {
  return withRepoWord(command).argument("<name>", "its name", asFlag(parseExperiment));
}

function parseExperiment(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)) return text;
  throw new PropagitError("BAD_NAME", `${quote(text)} cannot be a name`, {
    hint: "use 1 to 63 letters, digits, `.`, `_` or `-`",
  });
}
