/**
 * A push over a target: what it means now becomes a plan, which the hub carries out, whoever goes away.
 *
 *     target --aims--> frozen: drones, moments, relays     files --read once--> commit
 *                 '----------------- plan -----------------------'--hub.plan-start--> runs
 *
 * The dry run is the same plan; only nothing of it reaches the hub.
 */
import {
  aimsOf,
  dronesOf,
  planHash,
  planOfAims,
  readPlan,
  toolBox,
  type Aim,
  type Plan,
  type ReadTargets,
} from "@propagit/plan";
import { PropagitError, quote, type PlanSummary } from "@propagit/protocol";
import type { HubAccess, HubFlags } from "../hub-call.js";
import { withHub } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatBytes, formatCount } from "../output/quantity.js";
import { forecast } from "../plans/forecast.js";
import { beginOnHub, followOnHub } from "../plans/hub-plans.js";
import { showWith, type PlanShowFlags } from "../plans/show-plan.js";
import { dronesOfHub, selectFrom } from "../targets/select.js";
import { nameOfJob } from "./jobs.js";
import { placesText } from "./places-text.js";
import { readFiles, type FilesReading, type FilesWatch } from "./push.js";

export interface PlanPush extends FilesReading {
  /** As it is written: the name of a target, or drones as everywhere. */
  readonly target: string;
  readonly path: string;
  readonly replace: boolean;
  readonly force: boolean;
  readonly afterMs: number;
  readonly retries: number;
  readonly concurrency: number | string;
}

export interface PlanPushWish {
  readonly dryRun: boolean;
  /** Nobody waits for its end. */
  readonly detach: boolean;
  readonly json: boolean;
  /** Of a dry run: as `propagit plan` shows it. */
  readonly show?: PlanShowFlags;
}

/** As deploy-in-stages had it: after 1, 8, 27 and 64 minutes. */
export const retriesDefault = 4;
/** Drones at the same time; they swap pieces, so more of them is no slower. A guess. */
export const concurrencyDefault = 64;

interface Made {
  readonly plan: Plan;
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
}

/** @throws BAD_TARGET, BAD_USAGE, CHANGED_MEANWHILE, …; FILES_FAILED when some drones did not get it */
export async function pushByPlan(
  push: PlanPush,
  targets: ReadTargets | undefined,
  access: HubAccess,
  { flags, watch, ...wish }: PlanPushWish & { readonly flags: HubFlags; readonly watch: Watch },
): Promise<void> {
  const aims = await aimed(push.target, targets, flags);
  const { destination } = whereTo(push);
  const read = await readFiles(push, access, watch, {
    // A plan that is written down is carried out later, when the hub has to have them.
    destination: wish.dryRun && wish.show?.save === undefined ? undefined : destination,
    manifestOnly: false,
  }).finally(() => watch.end());
  const plan = planOf(push, aims, read.commit);
  const made = { plan, ...read };
  if (wish.dryRun) return showOnly(made, push, wish);
  const run = await beginOnHub({ plan }, flags);
  if (wish.detach) return toldBegun(run, made, dronesOf(aims).length, wish.json);
  const summary = await followOnHub(run, plan, { ...flags, isQuiet: wish.json });
  if (wish.json) printJson({ hash: planHash(plan), ...read, ...summary });
  const failure = failureOf(summary);
  if (failure) throw failure;
}

interface Watch extends Pick<FilesWatch, "note" | "step"> {
  /** From here on what is printed stays: nothing is drawn in place any more. */
  end(): void;
}

/** What it means at this moment. @throws BAD_TARGET */
async function aimed(
  target: string,
  targets: ReadTargets | undefined,
  flags: HubFlags,
): Promise<readonly Aim[]> {
  const select = selectFrom(await withHub(flags, dronesOfHub));
  if (targets?.book.targets.has(target)) {
    return aimsOf({ ...targets, select }, target);
  }
  const drones = [...new Set(target.startsWith("/") ? select(target, undefined) : named(target))];
  if (drones.length > 0) return drones.map((drone) => ({ drone, afterMs: 0 }));
  throw new PropagitError("BAD_TARGET", `${quote(target)} is no target, and means no drone`, {
    hint: "see them with `propagit targets` and `propagit drones`",
  });

  /** A list of names, or one selector, which may hold commas itself. */
  function named(text: string): readonly string[] {
    if (/[=!()]/.test(text)) return select(text, undefined);
    return text.split(",").flatMap((name) => {
      const found = select(name.trim(), undefined);
      if (found.length > 0) return found;
      throw new PropagitError("BAD_TARGET", `${quote(name)} is no target, and no drone`, {
        hint: "see them with `propagit targets` and `propagit drones`",
      });
    });
  }
}

function planOf(push: PlanPush, aims: readonly Aim[], commit: string): Plan {
  const { path, replace, force, afterMs, retries, concurrency } = push;
  const { name } = whereTo(push);
  const command = {
    command: "put-files",
    commit,
    path,
    ...(replace && { replace }),
    ...(force && { force }),
  };
  const value = planOfAims(aims, { name, command, afterMs, retries, concurrency });
  return readPlan({ maker: name, value }, toolBox);
}

/** By its name pushes to the same place go one after the other. */
function whereTo({ target, path }: PlanPush): {
  readonly name: string;
  readonly destination: string;
} {
  const destination = `${target}:${path}`;
  return { name: nameOfJob(destination), destination };
}

function showOnly(
  { plan, commit, files, bytes }: Made,
  push: PlanPush,
  { json, show }: PlanPushWish,
): void {
  if (json && !show) {
    return printJson({ hash: planHash(plan), plan, commit, files, bytes, dryRun: true });
  }
  const expected = forecast(plan, new Map(), Date.now());
  const isPicture = showWith(
    { plan, commands: toolBox, forecast: expected },
    show ?? { all: true },
  );
  if (!isPicture) return;
  const next =
    show?.save === undefined
      ? "nothing was sent"
      : `no drone got anything; carry it out with: propagit apply ${show.save}`;
  print(`\n${placesText(push)}${formatCount(files, "file")}, ${formatBytes(bytes)}; ${next}\n`);
}

function toldBegun(run: string, { commit, files, bytes }: Made, drones: number, json: boolean) {
  if (json) return printJson({ run, commit, files, bytes });
  const what = `${formatCount(files, "file")}, ${formatBytes(bytes)}`;
  print(`${run}  ${what} on their way to ${formatCount(drones, "drone")}\n`);
  print(`  where they are: propagit files status ${run}\n`);
  print(`  to end it:      propagit files stop ${run}\n`);
}

function failureOf({ run, name, outcome, reason, counts }: PlanSummary): PropagitError | undefined {
  if (outcome === "done") return undefined;
  const why = reason === undefined ? "" : `: ${reason}`;
  const what =
    counts.failed > 0
      ? `${name}: ${formatCount(counts.failed, "task")} of ${counts.tasks} failed`
      : `${name}: ${outcome ?? "not over"}${why}`;
  return new PropagitError("FILES_FAILED", what, {
    hint: `see which: propagit files status ${run}; try those again: propagit files reset ${run}`,
  });
}
