/** Which instances are ended by hand, started again or restarted, of those that somebody means. */
import {
  environmentDefault,
  PropagitError,
  shortCommit,
  type InstanceReport,
  type InstanceTarget,
} from "@propagit/protocol";
import type { Contact } from "./contact.js";
import type { LedgerRows } from "./draft.js";
import { chooseDrones } from "./drone-target.js";
import { heldPlaces, routedAway, type HeldInstance } from "./hold-edits.js";
import {
  requireInstances,
  type DroneWithInstances,
  type FoundInstance,
} from "./instance-target.js";
import { isAlive } from "./readiness.js";
import { flagOf } from "./rollout-lines.js";
import type { HoldRow } from "./rows.js";
import { describeUse, freeHint } from "./uses.js";
import { isVisited } from "./visited.js";

export interface ChoiceDrone extends DroneWithInstances {
  readonly identity: string;
  readonly contact: Contact;
  readonly ownCommand: boolean;
}

/** @throws NO_INSTANCE, NO_PLACE, NO_RELEASE, AMBIGUOUS, BAD_PATTERN; STILL_ROUTED unless it is forced */
export function chooseToHold<D extends ChoiceDrone>(
  rows: LedgerRows,
  drones: readonly D[],
  { target, force }: { readonly target: InstanceTarget; readonly force: boolean },
): readonly FoundInstance<D>[] {
  const found = foundIn(rows, drones, target).filter(({ report }) => isAlive(report));
  if (found.length === 0) throw noInstance("none of them runs");
  if (!force) refuseRouted(rows, drones, found);
  return found;
}

/** What was ended by hand: that of the target, whole or in part. @throws as `chooseToHold` */
export function chooseToStart(
  rows: LedgerRows,
  drones: readonly ChoiceDrone[],
  target: InstanceTarget,
): readonly HoldRow[] {
  const freed =
    target.processes === undefined
      ? holdsOf(rows, drones, target)
      : heldPlaces(rows, foundIn(rows, drones, target).map(heldOf));
  if (freed.length > 0) return freed;
  throw noInstance("nothing that was stopped by hand fits");
}

/**
 * Acting on a repository is about production, unless another environment or single processes are named; and
 * about what visitors get, unless a release or single processes are: what is only kept warm is left alone.
 *
 * @throws as `chooseToHold`
 */
export function chooseToRestart<D extends ChoiceDrone>(
  rows: LedgerRows,
  drones: readonly D[],
  target: InstanceTarget,
): readonly FoundInstance<D>[] {
  const { processes, environment, release } = target;
  const isNarrow = processes !== undefined || environment !== undefined;
  const fitting = foundIn(
    rows,
    drones,
    isNarrow ? target : { ...target, environment: environmentDefault },
  );
  if (processes !== undefined || release !== undefined) return fitting;
  const found = fitting.filter(({ report }) => isVisited(rows, report));
  if (found.length > 0) return found;
  const names = [...new Set(fitting.map(({ report }) => shortCommit(report.commit)))].slice(0, 5);
  throw new PropagitError(
    "NO_INSTANCE",
    `no instance that fits is of what visitors get, but of ${names.join(", ")}`,
    { hint: "name one: REPO@RELEASE, or a process; see them with `propagit ps`" },
  );
}

/** As holds know it. */
export function heldOf({ drone, report }: FoundInstance<ChoiceDrone>): HeldInstance {
  return { identity: drone.identity, ownCommand: drone.ownCommand, report };
}

function foundIn<D extends ChoiceDrone>(
  rows: LedgerRows,
  drones: readonly D[],
  target: InstanceTarget,
): readonly FoundInstance<D>[] {
  return requireInstances(target, drones, rows.rows("releases").values());
}

function holdsOf(
  rows: LedgerRows,
  drones: readonly ChoiceDrone[],
  { repo, environment, release, services, drones: wanted }: InstanceTarget,
): readonly HoldRow[] {
  const chosen = new Set(chooseDrones(wanted, drones).map(({ identity }) => identity));
  return [...rows.rows("holds").values()].filter((row) => {
    const deployment = rows.rows("deployments").get(row.deployment);
    if (!deployment || !chosen.has(row.identity)) return false;
    if (repo !== undefined && deployment.repo !== repo) return false;
    if (environment !== undefined && deployment.environment !== environment) return false;
    if (services !== undefined && !services.includes(row.service)) return false;
    return release === undefined || isMeant(release, deployment);
  });
}

function isMeant(wanted: string, row: { readonly release: number; readonly commit: string }) {
  return String(row.release) === wanted || row.commit.startsWith(wanted.toLowerCase());
}

/** @throws STILL_ROUTED */
function refuseRouted(
  rows: LedgerRows,
  drones: readonly ChoiceDrone[],
  found: readonly FoundInstance[],
): void {
  const all: readonly InstanceReport[] = drones.flatMap((drone) =>
    drone.contact === "connected" ? [...drone.instances.values()] : [],
  );
  const last = routedAway(
    rows,
    all,
    found.map(({ report }) => report),
  );
  if (!last) return;
  const { service, repo, environment = environmentDefault } = last.report;
  const why = last.use.kind === "share" ? "visitors are sent to it" : describeUse(last.use);
  const hint = freeHint(last.use, repo, flagOf(environment));
  throw new PropagitError(
    "STILL_ROUTED",
    `that is the last ready instance of ${service} of ${repo}, and ${why}`,
    hint === undefined ? {} : { hint },
  );
}

function noInstance(why: string): PropagitError {
  return new PropagitError("NO_INSTANCE", why);
}
