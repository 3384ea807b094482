import { readFileSync } from "node:fs";
import { parseRepoName, PropagitError } from "@propagit/protocol";
import { errnoOf, type Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import {
  changeRoute,
  changeSaid,
  nameOf,
  placeOf,
  rulesChange,
  withRuleFlags,
  withTrafficFlags,
  type Place,
  type RuleFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { parseDurationMs } from "../traffic-flags.js";

interface OnFlags extends RuleFlags {
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
  const command = withRuleFlags(
    new Command("on")
      .summary("show a page to every visitor")
      .description(
        "Shows a page, or a plain text, to every visitor; it is HTML when it begins with `<`.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName)),
  )
    .option("--text <text>", "what they see (default: that it will be back soon)")
    .option("--file <path>", "file with what they see")
    .option(
      "--retry-after <duration>",
      "when programs should come back, as 10m",
      asFlag(parseDurationMs),
    );
  return examples(command, [
    "propagit maintenance on webapp",
    "propagit maintenance on webapp --file=maintenance.html --retry-after=10m",
  ]).action(async (repo: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<OnFlags>();
    const place = placeOf(repo, flags);
    const { retryAfter } = flags;
    const maintenance = {
      text: pageOf(flags),
      ...(retryAfter !== undefined && { retryAfterSeconds: Math.ceil(retryAfter / 1_000) }),
    };
    await changeSaid(
      rulesChange(repo, flags, { set: { maintenance } }),
      flags,
      () =>
        `visitors of ${nameOf(place)} see the maintenance page until \`propagit maintenance off ${repo}\``,
    );
  });
}

function offCommand(): Command {
  const command = withTrafficFlags(
    new Command("off")
      .summary("let visitors in again")
      .description("Lets visitors in again, also when the manifest says `maintenance`.")
      .argument("<repo>", "the repository", asFlag(parseRepoName)),
  );
  return examples(command, ["propagit maintenance off webapp"]).action(
    async (repo: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<TrafficFlags>();
      const place = placeOf(repo, flags);
      await changeRoute(
        flags,
        (hub) => takeOff(hub, place),
        () => `visitors of ${nameOf(place)} see no maintenance page`,
      );
    },
  );
}

/** What the manifest says is left alone when it says nothing of it, so that it can say so one day. */
async function takeOff(hub: Conversation, place: Place) {
  const rules = ["maintenance" as const];
  const view = await hub.call("hub.rules", { ...place, set: {}, off: [], unset: rules });
  if (!view.rules.maintenance) return view;
  return hub.call("hub.rules", { ...place, set: {}, off: rules, unset: [] });
}

function pageOf({ text, file }: OnFlags): string {
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
