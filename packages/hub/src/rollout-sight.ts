/** What the machines of releases get to see: the ledger's rows, the drones, and where instances are put. */
import type { Assignments } from "./assignments.js";
import { assignedDrone } from "./assignments.js";
import { loadsOf, placesOf } from "./core/assignments.js";
import { environmentOf } from "./core/deployment-edits.js";
import type { LedgerRows } from "./core/draft.js";
import type { Place } from "./core/placement.js";
import { isOpen, type ReleaseCommand } from "./core/release-progress.js";
import { ownService, type SeenDrone } from "./core/readiness.js";
import { getsAllVisitors, releaseOf } from "./core/rollout-edits.js";
import { refusalOf } from "./core/rollout-refusal.js";
import type { RolloutTimes, RolloutView } from "./core/rollout-view.js";
import { holdKey, type RolloutRow } from "./core/rows.js";
import type { Fleet, Member } from "./fleet.js";
import type { Switchboard } from "./switch.js";
import type { HubWorld } from "./world.js";

/** What releases deal with besides the ledger. */
export interface SightParts {
  readonly fleet: Fleet;
  readonly assignments: Assignments;
  readonly switchboard: Pick<Switchboard, "asks" | "seen" | "applied">;
}

const taskIdChars = 16;

export class RolloutSight {
  readonly #world: HubWorld;
  readonly #fleet: Fleet;
  readonly #assignments: Assignments;
  readonly #switchboard: SightParts["switchboard"];
  readonly #hubSince: number;

  constructor(world: HubWorld, { fleet, assignments, switchboard }: SightParts) {
    this.#world = world;
    this.#fleet = fleet;
    this.#assignments = assignments;
    this.#switchboard = switchboard;
    this.#hubSince = world.clock.now();
  }

  /** Undefined when the release itself is gone, which cannot be while it is on its way. */
  viewOf(
    rows: LedgerRows,
    row: RolloutRow,
    asked: ReleaseCommand | undefined,
  ): RolloutView | undefined {
    const release = releaseOf(rows, row);
    if (!release) return undefined;
    const { builtOn } = environmentOf(rows, row.repo, row.environment);
    const { deployment } = row;
    const holds = rows.rows("holds");
    return {
      now: this.#world.clock.now(),
      asked,
      release,
      deployment: rows.rows("deployments").get(deployment),
      drones: this.drones(deployment),
      builtOn,
      hubSince: this.#hubSince,
      whyNot: !isOpen(row) ? refusalOf(release, this.places())?.message : undefined,
      isHeld: (identity, service) => holds.has(holdKey({ deployment, identity, service })),
      asksProxies: this.#switchboard.asks && getsAllVisitors(rows, row, release),
      freshId: () => this.#world.random.hex(taskIdChars),
    };
  }

  /** What says how late a release is. */
  timesOf(
    rows: LedgerRows,
    row: RolloutRow,
    asked: ReleaseCommand | undefined,
  ): RolloutTimes | undefined {
    const release = releaseOf(rows, row);
    return release && { release, hubSince: this.#hubSince, asked };
  }

  /** Every drone with what it has, and should have, of a deployment; in the order of names. */
  drones(deployment: string): readonly SeenDrone[] {
    const seen = this.#fleet.members.map((member) => ({
      identity: member.identity,
      drone: member.name,
      contact: member.contact,
      labels: member.labels,
      draining: member.draining,
      ownCommand: member.ownCommand,
      wanted: this.#wantedOf(deployment, member),
      reports: [...member.instances.values()].filter((each) => each.deployment === deployment),
    }));
    return seen.sort((left, right) => (left.drone < right.drone ? -1 : 1));
  }

  /** A drone with a command of its own that ended is still named among those that a release was for. */
  #wantedOf(deployment: string, { identity, contact, ownCommand }: Member) {
    if (contact === "left" && ownCommand) return new Map([[ownService, 1]]);
    return this.#assignments.wantedOf(deployment, identity);
  }

  /** Every drone that did not end, as a place for a service that is nowhere yet. */
  places(): readonly Place[] {
    const drones = this.#fleet.members
      .filter(({ contact }) => contact !== "left")
      .map(assignedDrone);
    return placesOf(drones, "", undefined, loadsOf(this.#assignments.counts));
  }
}
