import type { RunAsk } from "@propagit/plan";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import type { StatusFlags } from "../plans/show-runs.js";

export function plansCommand(): Command {
  const command = withLocal(new Command("plans"))
    .summary("plans that are or were carried out, and what is asked of them")
    .description(
      "Lists the plans that the hub carries out or did, newest first; with --local those of this machine. Ids may be shortened to a unique prefix.",
    )
    .option("--json", "print it as JSON");
  command.addCommand(statusCommand());
  for (const one of askCommands()) command.addCommand(one);
  return examples(command, [
    "propagit plans",
    "propagit plans status 4fa --follow",
    "propagit plans stop 4fa --undo",
    "propagit plans resume 4fa --local",
  ]).action(async (flags: StatusFlags) => {
    const { listRuns } = await import("../plans/show-runs.js");
    await listRuns(flags);
  });
}

function statusCommand(): Command {
  const command = withLocal(
    new Command("status")
      .summary("where a plan stands: its stages, and tasks that are notable")
      .description(
        "Shows where a plan stands: each stage, and its tasks that run, failed, were stopped or are tried again, with the last lines of their output.",
      )
      .argument("[id]", "its id, or the beginning of it (the newest that goes, else the newest)"),
  )
    .option(
      "--events",
      "all that happened, also in the parts that relays carry out: the newest 1,000 events, with --all 100,000",
    )
    .option("--follow", "look again each second, until it is over")
    .option("--all", "every task")
    .option("--json", "print it as JSON");
  return examples(command, [
    "propagit plans status 4fa --follow",
    "propagit plans status 4fa --all --local",
    "propagit plans status 4fa --events",
    "propagit plans status",
  ]).action(async (id: string | undefined, _: unknown, self: Command) => {
    const { showRun } = await import("../plans/show-runs.js");
    await showRun(id, self.optsWithGlobals());
  });
}

interface AskWords {
  readonly name: RunAsk["kind"];
  readonly summary: string;
  readonly description: string;
  /** What may follow the id. */
  readonly flags: readonly string[];
}

const asks: readonly AskWords[] = [
  {
    name: "pause",
    summary: "begin nothing new; what is under way finishes",
    description: "Begins nothing new; what is under way finishes. It goes on with `resume`.",
    flags: [],
  },
  {
    name: "resume",
    summary: "go on with a plan that is paused, or was broken off",
    description:
      "Goes on with a plan that is paused. When the process that carried it out has ended, this one carries it out from here on: what was under way is done again, and what may run only once is not.",
    flags: ["--local"],
  },
  {
    name: "stop",
    summary: "end a plan; what is under way finishes",
    description:
      "Begins nothing new, for good; what is under way finishes. With --undo also of a plan that failed or was stopped and is over: what it did is taken back.",
    flags: ["--undo", "--now"],
  },
  {
    name: "skip-wait",
    summary: "do not wait for the delay or window of the next stage",
    description:
      "Ends the waiting for a delay, of the next stage or of the next lines, or for the hours of a window; not for approval or health. Relays that carry parts of it out hear it, too.",
    flags: [],
  },
  {
    name: "retry",
    summary: "try again what failed or never ran",
    description:
      "Tries again what failed or never ran, also of a plan that is over; what would be tried again later is tried at once.",
    flags: ["--force"],
  },
  {
    name: "approve",
    summary: "let the next stage begin that waits for approval",
    description:
      "Lets the stage begin that waits for somebody's approval. Who you are is said by PROPAGIT_BY, else user@machine.",
    flags: [],
  },
];

function askCommands(): readonly Command[] {
  return asks.map(({ name, summary, description, flags: shown }) => {
    const command = withLocal(
      new Command(name)
        .summary(summary)
        .description(description)
        .argument("<id>", "its id, or the beginning of it"),
    );
    if (name === "stop") {
      command
        .option("--undo", "then take back what it did")
        .option("--now", "end what is under way as well");
    }
    if (name === "retry") {
      command.option(
        "--force",
        "also what may run only once, of which nobody knows whether it did",
      );
    }
    const line = `propagit plans ${name} 4fa`;
    examples(command, [line, ...shown.map((flag) => `${line} ${flag}`)]);
    return command.action(async (id: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<AskFlags>();
      const { askRun } = await import("../plans/ask-run.js");
      await askRun(id, askOf(name, flags), flags);
    });
  });
}

interface AskFlags extends HubFlags {
  readonly local?: boolean;
  readonly undo?: boolean;
  readonly now?: boolean;
  readonly force?: boolean;
}

function askOf(kind: RunAsk["kind"], { undo = false, now, force }: AskFlags): RunAsk {
  switch (kind) {
    case "stop":
      return { kind, undo, ...(now === undefined ? {} : { now }) };
    case "retry":
      return { kind, ...(force === undefined ? {} : { force }) };
    case "pause":
    case "resume":
    case "skip-wait":
    case "approve":
      return { kind };
    default:
      return kind satisfies never;
  }
}

function withLocal(command: Command): Command {
  return withHubFlags(command).option("--local", "of plans carried out from this machine");
}
