import type { ClusterEvent } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseWhole } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { endOnInterrupt } from "../interrupt.js";
import { dimColour } from "../output/colour.js";
import { formatMoment } from "../output/duration.js";
import { print, printJson, printJsonLine } from "../output/print.js";
import { inEnvironment } from "../output/route.js";
import { plainText } from "../output/text-width.js";

interface EventsFlags extends HubFlags {
  readonly last: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function eventsCommand(): Command {
  const command = withHubFlags(
    new Command("events")
      .summary("what happened, when")
      .description("Prints the last events; with --follow also new ones until ^C."),
  )
    .option(
      "-n, --last <count>",
      "how many",
      asFlag((text) => parseWhole(text, 0, 10_000)),
      20,
    )
    .option("-f, --follow", "go on with new ones")
    .option("--json", "print it as JSON; with --follow one event a line");
  return examples(command, ["propagit events -n 50", "propagit events --follow"]).action(events);
}

async function events(flags: EventsFlags): Promise<void> {
  const follow = flags.follow ?? false;
  endOnInterrupt();
  const asArray = flags.json && !follow;
  const all: ClusterEvent[] = [];
  const show = (event: ClusterEvent) => {
    if (asArray) all.push(event);
    else if (flags.json) printJsonLine(event);
    else print(formatEvent(event));
  };
  await withHub(flags, async (hub) => {
    const options = { limitMs: follow ? 0 : 10_000, onPart: show };
    const { events } = await hub.call("hub.events", { last: flags.last, follow }, options);
    events.forEach(show);
  });
  if (asArray) printJson(all);
}

/** Who asked for it is said behind it, and which environment and release where the sentence may not. */
function formatEvent({ at, kind, text, by, environment, release }: ClusterEvent): string {
  const about = [
    inEnvironment(environment) === "" ? undefined : environment,
    release === undefined ? undefined : `release ${release}`,
    by === undefined ? undefined : `by ${plainText(by)}`,
  ].filter((part) => part !== undefined && !text.includes(part));
  const more = about.length === 0 ? "" : dimColour(` (${about.join(", ")})`);
  return `${dimColour(formatMoment(at))}  ${kind.padEnd(16)}  ${plainText(text)}${more}\n`;
}
