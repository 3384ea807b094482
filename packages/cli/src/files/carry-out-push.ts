/**
 * A push as a command line says it: over a target as a plan that is made here, else as one that the hub makes; or
 * only what that would do.
 */
import type { ReadTargets } from "@propagit/plan";
import { PropagitError, type FilesOutcome, type FilesProgress } from "@propagit/protocol";
import { findHubAccess } from "../hub-call.js";
import { formatEnd, formatOutcome } from "../output/files-outcome.js";
import { openFilesView, type FilesView } from "../output/files-progress.js";
import { print, printJson } from "../output/print.js";
import type { PlanShowFlags } from "../plans/show-plan.js";
import { findTargets } from "../targets/book.js";
import { splitPlace, splitWords } from "./place.js";
import { readingOf, wantsPlan, type PushFlags } from "./push-flags.js";
import type { FilesPush, FilesWatch } from "./push.js";

/** @param show as `propagit plan` shows it, and nothing is pushed */
export async function carryOutPush(
  words: readonly string[],
  flags: PushFlags,
  show?: PlanShowFlags,
): Promise<void> {
  const { sources, target, place } = splitWords(words);
  const targets = findTargets(flags);
  if (targets?.book.targets.has(target) || wantsPlan(flags)) {
    return pushOver(sources, words.at(-1) ?? "", { flags, targets, show });
  }
  const push = { sources, ...place, ...readingOf(flags) };
  if (show ?? flags.dryRun) return showOnly(push, flags, show);
  // Git and what it works with are loaded only here.
  const { failureOf, pushFiles } = await import("./push.js");
  const view = viewOf(flags.json ?? false);
  const watch = watchOf(view, { isQuiet: flags.json ?? false, dryRun: false });
  const result = await pushFiles(push, flags, watch).finally(() => view.end());
  if (flags.json) printJson({ ...result, dryRun: false, path: push.path });
  else print(formatEnd(result, false));
  const failure = failureOf(result.drones, flags.allowMissing ?? false);
  if (failure) throw failure;
}

/** What would change on each drone, then the plan. */
async function showOnly(push: FilesPush, flags: PushFlags, show?: PlanShowFlags): Promise<void> {
  const [{ plannedFiles }, { failureOf }, { readPlan, planHash }, { hubCommands }, { showMade }] =
    await Promise.all([
      import("./plan-files.js"),
      import("./push.js"),
      import("@propagit/plan"),
      import("@propagit/hub"),
      import("../plans/show-change.js"),
    ]);
  const isQuiet = (flags.json ?? false) || (show?.dump ?? false);
  const view = viewOf(isQuiet);
  const watch = watchOf(view, { isQuiet, dryRun: true });
  const isKept = show?.save !== undefined;
  const { made, ...found } = await plannedFiles(push, { flags, isKept }, watch).finally(() =>
    view.end(),
  );
  if (flags.json && !show) {
    const plan = readPlan({ file: "the hub's plan", text: made.text }, hubCommands);
    const planned = { hash: planHash(plan), plan, told: made.told };
    printJson({ ...found, dryRun: true, path: push.path, ...planned });
  } else {
    if (!isQuiet) print(`${formatEnd(found, true)}\n`);
    showMade(
      made,
      show ?? {},
      show ? "write `files push` for `plan files`" : "leave --dry-run out",
    );
  }
  const failure = failureOf(found.drones, flags.allowMissing ?? false);
  if (failure) throw failure;
}

interface PushOver {
  readonly flags: PushFlags;
  readonly targets: ReadTargets | undefined;
  readonly show: PlanShowFlags | undefined;
}

/** A target, or what only a plan over one can. */
async function pushOver(
  sources: readonly string[],
  last: string,
  { flags, targets, show }: PushOver,
): Promise<void> {
  if (flags.allowMissing) {
    throw new PropagitError("BAD_USAGE", "a plan tries drones again that are away", {
      hint: "leave --allow-missing out; how often is said by --retries",
    });
  }
  const { concurrencyDefault, pushByPlan, retriesDefault } = await import("./plan-push.js");
  const { detach = false, json = false } = flags;
  const view = viewOf(json);
  const { note, step } = watchOf(view, { isQuiet: json, dryRun: false });
  const watch = { note, step, end: () => view.end() };
  const push = {
    sources,
    ...splitPlace(last),
    ...readingOf(flags),
    afterMs: flags.after ?? 0,
    retries: flags.retries ?? retriesDefault,
    concurrency: flags.concurrency ?? concurrencyDefault,
  };
  const dryRun = show !== undefined || (flags.dryRun ?? false);
  const wish = { dryRun, detach, json, ...(show && { show }), flags, watch };
  await pushByPlan(push, targets, findHubAccess(flags), wish).finally(() => view.end());
}

function viewOf(isQuiet: boolean): FilesView {
  const isDrawn = !isQuiet && process.stdout.isTTY && process.env["TERM"] !== "dumb";
  return openFilesView(process.stdout, isDrawn);
}

function watchOf(
  view: FilesView,
  { isQuiet, dryRun }: { readonly isQuiet: boolean; readonly dryRun: boolean },
): FilesWatch {
  return {
    note: (line: string) => void process.stderr.write(`${line}\n`),
    step: (text: string) => view.step(text),
    progress: (drone: string, progress: FilesProgress) => view.progress(drone, progress),
    ended: (outcome: FilesOutcome) => {
      if (!isQuiet) view.ended(outcome.drone, formatOutcome(outcome, dryRun));
    },
  };
}
