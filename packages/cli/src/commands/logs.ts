import { PropagitError, type LogLine, type Params } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseSince, parseWhole } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { endOnInterrupt } from "../interrupt.js";
import { openLogPrinter } from "../output/log-lines.js";
import { formatCount, formatNames } from "../output/quantity.js";
import { plainText } from "../output/text-width.js";
import { resolveRelease } from "../releases.js";
import {
  checkRegExp,
  droneTarget,
  environmentOf,
  parseProcess,
  parseRepoRelease,
  withTargetFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

interface LogsFlags extends HubFlags, TargetFlags {
  readonly process?: readonly string[];
  readonly follow?: boolean;
  readonly since?: number;
  readonly last?: number;
  readonly grep?: string;
  readonly json?: boolean;
}

export function logsCommand(): Command {
  const command = withTargetFlags(
    withHubFlags(
      new Command("logs")
        .summary("output of instances, from all drones")
        .description(
          "Prints the last output of instances, merged by time over all drones; also of instances that are gone, as far as it is kept. With --follow also what is new, until ^C.",
        )
        .argument(
          "[repo]",
          "a repository, or REPO@RELEASE (default: all)",
          asFlag(parseRepoRelease),
        ),
    ),
  )
    .option(
      "--process <id>",
      "an instance by its id; may be repeated",
      asRepeatedFlag(parseProcess),
    )
    .option("-f, --follow", "go on with what is new")
    .option(
      "--since <when>",
      "from then on: 10m, 2h, or a date",
      asFlag((text) => parseSince(text)),
    )
    .option(
      "-n, --last <count>",
      "how many lines (100; with --since all)",
      asFlag((text) => parseWhole(text, 0, 100_000)),
    )
    .option("--grep <regex>", "only lines that match", asFlag(checkRegExp))
    .option("--json", "a line of JSON for each line");
  return examples(command, [
    "propagit logs webapp -f",
    "propagit logs webapp@14 --service=worker --since=10m --grep=error",
  ]).action(logs);
}

async function logs(what: RepoRelease | undefined, flags: LogsFlags): Promise<void> {
  endOnInterrupt();
  const print = openLogPrinter(flags);
  let isNothing = true;
  const missing = await withHub(flags, async (hub) => {
    const onPart = (lines: readonly LogLine[]) => {
      isNothing &&= lines.length === 0;
      print(lines);
    };
    const params = await queryOf(hub, what, flags);
    const { missing } = await hub.call("hub.logs", params, { limitMs: 0, onPart });
    return missing;
  });
  if (missing.length === 0) {
    if (isNothing) process.stderr.write(nothingFits);
    return;
  }
  const reasons = missing.map(({ drone, reason }) => `${drone} (${plainText(reason)})`);
  const message = `output of ${formatCount(missing.length, "drone")} is missing: ${formatNames(reasons, 5)}`;
  if (isNothing) {
    throw new PropagitError("UNREACHABLE", message, {
      hint: "look at them with `propagit drones`, and try again",
    });
  }
  // In a large cluster somebody is always away, and may have nothing to tell.
  process.stderr.write(`${message}\n`);
}

const nothingFits = "no output fits; see what runs with: propagit ps\n";

/** More lines than drones keep: all since a moment that was given. */
const allLines = 100_000;

async function queryOf(
  hub: Conversation,
  what: RepoRelease | undefined,
  flags: LogsFlags,
): Promise<Params<"hub.logs">> {
  const { since, grep, process: processes } = flags;
  const last = flags.last ?? (since === undefined ? undefined : allLines);
  const services = flags.service?.flat();
  const drones = droneTarget(flags);
  const release = what && (await resolveRelease(hub, what, environmentOf(flags)));
  return {
    follow: flags.follow ?? false,
    ...environmentOf(flags),
    ...(what && { repo: what.repo }),
    ...(release !== undefined && { release }),
    ...(services && { services }),
    ...(processes && { processes: [...processes] }),
    ...(drones && { drones }),
    ...(since !== undefined && { since }),
    ...(last !== undefined && { last }),
    ...(grep !== undefined && { grep }),
  };
}
