import { PropagitError, shortCommit, type StopResult } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatProgress } from "../output/progress.js";

interface StopFlags extends HubFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

export function stopCommand(): Command {
  const command = withHubFlags(
    new Command("stop")
      .summary("stop a commit on every drone")
      .description(
        "Stops a commit: its endpoints leave the registry first, then its processes get SIGTERM and, after a deadline, SIGKILL. Refused while visitors are routed to it.",
      )
      .argument("<repo>", "the repository")
      .argument("<commit>", "full hash, unique prefix, branch or tag"),
  )
    .option("--force", "also when visitors are routed to it; its share goes to the others")
    .option("--json", "print the result as JSON");
  return examples(command, ["propagit stop webapp 74336bc"]).action(stop);
}

async function stop(repo: string, ref: string, flags: StopFlags): Promise<void> {
  const force = flags.force ?? false;
  const result = await withHub(flags, (hub) =>
    hub.call(
      "hub.stop",
      { repo, ref, force },
      {
        limitMs: 0,
        onPart: (progress) => {
          if (!flags.json) print(formatProgress(progress));
        },
      },
    ),
  );
  if (flags.json) printJson(result);
  else if (result.outcome === "stopped")
    print(`${repo} ${shortCommit(result.commit)} is stopped\n`);
  if (result.outcome === "failed") throw failure(result);
}

function failure({ repo, commit, drones }: StopResult): PropagitError {
  const names = drones.filter(({ outcome }) => outcome !== "stopped").map(({ drone }) => drone);
  return new PropagitError(
    "STOP_FAILED",
    `${repo} ${shortCommit(commit)} is not stopped on ${names.join(", ")}`,
  );
}
