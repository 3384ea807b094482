/** Where a command would be run that somebody asks for: of which release, on which drones. */
import { PropagitError, quote, type DroneTarget } from "@propagit/protocol";
import type { LedgerRows } from "./draft.js";
import { chooseDrones, type NamedDrone } from "./drone-target.js";
import { seeRelease } from "./release-history.js";
import type { ReleaseRow } from "./rows.js";
import { chooseRuns, type RunCandidate, type RunChoice } from "./run-choice.js";

export interface AskedRun {
  readonly of: ReleaseRow;
  readonly drones: DroneTarget;
  readonly service?: string | undefined;
  /** In the environment of running instances rather than of a new one. */
  readonly inside: boolean;
  readonly one: boolean;
}

/** @param drones those that did not end. @throws NO_PLACE, NO_INSTANCE, NO_SERVICE, BAD_PATTERN */
export function chooseAsked(
  rows: LedgerRows,
  drones: readonly (RunCandidate & NamedDrone)[],
  { of: release, drones: target, service, inside, one }: AskedRun,
): RunChoice {
  const isNarrow = target.names !== undefined || target.selector !== undefined;
  const chosen = chooseDrones(target, drones);
  refuseUnknown(rows, release, service);
  const { deployment } = release;
  return chooseRuns({ drones: chosen, isNarrow, deployment, service, inside, one });
}

/** Drones with a command of their own run releases without any service. @throws NO_SERVICE */
function refuseUnknown(rows: LedgerRows, release: ReleaseRow, service: string | undefined): void {
  const { specification, repo, environment, number, deployment } = release;
  const own = specification.services.map(({ name }) => name);
  const spawned = [...rows.rows("spawned").values()]
    .filter((row) => row.deployment === deployment)
    .map((row) => row.service.name);
  const names = [...own, ...spawned];
  if (service === undefined || own.length === 0 || names.includes(service)) return;
  throw new PropagitError(
    "NO_SERVICE",
    `release ${number} of ${repo} has no service ${quote(service)}, but ${names.join(", ")}`,
    { hint: seeRelease({ repo, environment, number }) },
  );
}
