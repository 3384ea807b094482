/** The words of deploy-in-stages, for pushes over targets: see docs/targets.md for what each was there. */
import type { RunAsk } from "@propagit/plan";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import { parseFilesSight, type FilesPlaceFlag } from "./place.js";
import { withPushFlags, type PushFlags } from "./push-flags.js";

type PushAction = (words: readonly string[], flags: PushFlags) => Promise<void>;
type ListAction = (sight: Partial<FilesPlaceFlag> | undefined, flags: StatusFlags) => Promise<void>;

export interface StatusFlags extends HubFlags {
  readonly verify?: boolean;
  readonly json?: boolean;
}

export function queueCommand(push: PushAction): Command {
  const command = withPushFlags(
    new Command("queue")
      .summary("as push --detach: begin a push over a target, and look away")
      .description(
        "Reads folders and files now, and has the hub bring them to a target, each drone at its time. What a target means is frozen, and what was read is what is pushed.",
      ),
  );
  return examples(command, [
    "propagit files queue /my/folder/ /and/my/file mytarget:~/",
    "propagit files queue --targets=targets.json site/ all:/srv/site",
  ]).action((words: readonly string[], _: unknown, self: Command) =>
    push(words, { ...self.optsWithGlobals<PushFlags>(), detach: true }),
  );
}

/** A push, by its id or what became of it; else what lies on drones, as `list`. */
export function statusCommand(list: ListAction): Command {
  const command = withHubFlags(
    new Command("status")
      .summary("pushes on their way, and what was pushed where")
      .description(
        "Shows a push over a target: which drones have it, failed or are still to come, also those that relays bring it to. Or all that are active, queued, pending, done, failed or stopped; or, as `list`, what was pushed to drones. Without anything: those on their way, then the list.",
      )
      .argument(
        "[what]",
        "an id or its beginning; active, done, failed, …; or drones, a folder on them, or both",
      ),
  )
    .option("--verify", "of what lies on drones: compare contents, not only sizes and times")
    .option("--json", "print it as JSON");
  return examples(command, [
    "propagit files status",
    "propagit files status 4fa",
    "propagit files status failed",
    "propagit files status --verify 'role=web:/srv/site'",
  ]).action(async (what: string | undefined, _: unknown, self: Command) => {
    await showStatus(what, self.optsWithGlobals<StatusFlags>(), list);
  });
}

/** What no drone is called by: else it is asked whether there is such a push. */
const idPattern = /^[0-9a-f]{2,64}$/;
const words: ReadonlySet<string> = new Set([
  "active",
  "queued",
  "pending",
  "done",
  "failed",
  "stopped",
]);

async function showStatus(
  what: string | undefined,
  flags: StatusFlags,
  list: ListAction,
): Promise<void> {
  const { findJob, isActive, jobsNamed, jobsOf, showJob, showJobs } = await import("./verbs.js");
  if (what === undefined) {
    const active = flags.json || flags.verify ? [] : (await jobsOf(flags)).filter(isActive);
    if (active.length > 0) await showJobs(active, flags);
    return list(undefined, flags);
  }
  if (words.has(what)) return showJobs(jobsNamed(what, await jobsOf(flags)) ?? [], flags);
  if (idPattern.test(what)) {
    const jobs = await jobsOf(flags);
    if (jobs.some(({ run }) => run.startsWith(what))) {
      return showJob(findJob(jobs, what).run, flags);
    }
  }
  return list(parseFilesSight(what), flags);
}

export function stopCommand(): Command {
  return asking("stop", {
    summary: "end a push over a target; what is there stays",
    description:
      "Begins nothing new, for good; what is under way finishes, and what drones have stays. It reaches relays that carry a part out as soon as there is a line to them.",
    ask: { kind: "stop", undo: false },
  });
}

export function ageCommand(): Command {
  return asking("age", {
    summary: "do not wait for the next delay of a push over a target",
    description:
      "Ends the waiting for the time of the next drones, also of those that relays reach. The one after that is waited for again.",
    ask: { kind: "skip-wait" },
  });
}

export function resetCommand(): Command {
  return asking("reset", {
    summary: "try again what failed of a push over a target, or never ran",
    description:
      "Tries again what failed, was stopped or never ran, with what was read then; drones that have it stay as they are. Of a push of which nothing failed it is refused.",
    ask: { kind: "retry" },
  });
}

export function moreCommand(): Command {
  const command = withHubFlags(
    new Command("more")
      .summary("count what is under way; the hub does what is due by itself")
      .description(
        "Counts payloads, retries and delegates of pushes over targets, as deploy-in-stages did when cron had it look. There is nothing to be started by it: the hub and its relays do what is due.",
      ),
  ).option("--quiet", "say nothing, for a cron job of old");
  return examples(command, ["propagit files more", "propagit files more --quiet"]).action(
    async (_: unknown, self: Command) => {
      const { showMore } = await import("./verbs.js");
      await showMore(self.optsWithGlobals());
    },
  );
}

interface Asking {
  readonly summary: string;
  readonly description: string;
  readonly ask: RunAsk;
}

function asking(name: string, { summary, description, ask }: Asking): Command {
  const command = withHubFlags(
    new Command(name)
      .summary(summary)
      .description(description)
      .argument("<id>", "its id, or the beginning of it"),
  );
  return examples(command, [`propagit files ${name} 4fa`]).action(
    async (id: string, _: unknown, self: Command) => {
      const { askJob } = await import("./verbs.js");
      await askJob(id, ask, self.optsWithGlobals());
    },
  );
}
