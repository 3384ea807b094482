import { readFileSync } from "node:fs";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
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
import { withRepoWord } from "./pause.js";

/** What visitors see; `plan maintenance on` has the same words. */
interface MaintenanceWords extends EnvironmentFlags {
  readonly text?: string;
  readonly file?: string;
  readonly retryAfter?: number;
}

const textDefault = "This site is being worked on. It will be back soon.";

export function maintenanceCommand(): Command {
  return withHubFlags(
    new Command("maintenance")
      .summary("show visitors a page instead of a repository")
      .description(
        "Answers every request with 503 and a page, also while nothing runs, until it is off again.",
      ),
  )
    .addCommand(onCommand())
    .addCommand(offCommand());
}

function onCommand(): Command {
  const command = withMaintenanceWords(
    withRuleFlags(
      new Command("on")
        .summary("show a page to every visitor")
        .description(
          "Shows a page, or a plain text, to every visitor; it is HTML when it begins with `<`.",
        ),
    ),
  );
  return examples(command, [
    "propagit maintenance on webapp",
    "propagit maintenance on webapp --file=maintenance.html --retry-after=10m",
  ]).action(async (repo: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags & MaintenanceWords>();
    await changeSaid(
      maintenanceOn(repo, flags),
      flags,
      () =>
        `visitors of ${nameOf(placeOf(repo, flags))} see the maintenance page until \`propagit maintenance off ${repo}\``,
    );
  });
}

function offCommand(): Command {
  const command = withRepoWord(
    withRuleFlags(
      new Command("off")
        .summary("let visitors in again")
        .description("Lets visitors in again, also when the manifest says `maintenance`."),
    ),
  );
  return examples(command, ["propagit maintenance off webapp"]).action(
    async (repo: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<RuleFlags>();
      await changeSaid(
        maintenanceOff(repo, flags),
        flags,
        () => `visitors of ${nameOf(placeOf(repo, flags))} see no maintenance page`,
      );
    },
  );
}

export function withMaintenanceWords(command: Command): Command {
  return withRepoWord(command)
    .option("--text <text>", "what they see (default: that it will be back soon)")
    .option("--file <path>", "file with what they see")
    .option(
      "--retry-after <duration>",
      "when programs should come back, as 10m",
      asFlag(parseDurationMs),
    );
}

export function maintenanceOn(repo: string, flags: MaintenanceWords): ChangeOf<"rules"> {
  const { retryAfter } = flags;
  const maintenance = {
    text: pageOf(flags),
    ...(retryAfter !== undefined && { retryAfterSeconds: Math.ceil(retryAfter / 1_000) }),
  };
  return rulesChange(repo, flags, { set: { maintenance } });
}

/** What the manifest says is left alone when it says nothing of it, so that it can say so one day. */
export function maintenanceOff(repo: string, flags: EnvironmentFlags): ChangeOf<"rules"> {
  return rulesChange(repo, flags, { end: ["maintenance"] });
}

function pageOf({ text, file }: MaintenanceWords): string {
  if (text !== undefined && file !== undefined) {
    throw new PropagitError("BAD_USAGE", "the page is given twice: with --text and with --file");
  }
  if (file === undefined) return checkPage(text ?? textDefault, "--text");
  return checkPage(readPage(file), `--file ${file}`);
}

/** As the protocol allows it. */
const pageCharsMax = 100_000;

function checkPage(page: string, from: string): string {
  if (page.trim() === "") {
    throw new PropagitError("BAD_USAGE", `${from} is empty: visitors would see nothing`);
  }
  if (page.length <= pageCharsMax) return page;
  throw new PropagitError(
    "BAD_USAGE",
    `${from} has ${page.length} characters, more than ${pageCharsMax}`,
    { hint: "keep the page small, and let it take pictures from elsewhere" },
  );
}

function readPage(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `--file ${file} cannot be read: ${reason}`, {
      cause: thrown,
    });
  }
}
