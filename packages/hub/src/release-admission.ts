/** What is asked of the cluster before a release is accepted: whether it can run, fits, or runs already. */
import {
  matchesSelector,
  PropagitError,
  shortCommit,
  type DroneOutcome,
  type RolloutProgress,
} from "@propagit/protocol";
import { Value } from "typebox/value";
import { alsoOfBranch, leadBranch } from "./core/branch-edits.js";
import { checkEnvironmentRoom, environmentOf } from "./core/deployment-edits.js";
import type { Draft, LedgerRows } from "./core/draft.js";
import { putBack } from "./core/put-back.js";
import { isThere, judge } from "./core/readiness.js";
import { outcomeOf, type Standing } from "./core/rollout-start.js";
import { newLines } from "./core/rollout-text.js";
import { refusalOf } from "./core/rollout-refusal.js";
import { unchangedRelease } from "./core/unchanged-release.js";
import { releaseKey, type ReleaseRow, type RolloutRow } from "./core/rows.js";
import type { Fleet } from "./fleet.js";
import type { ReleaseRequest } from "./rollout-request.js";
import type { RolloutSight } from "./rollout-sight.js";
import { deploymentIdFor } from "./specifications.js";
import type { HubWorld } from "./world.js";

/** For drones to say whether it fits; who does not answer is not waited for. */
const roomMs = 5_000;
/** Releases on their way at the same time, those that wait included; a guess. */
const rolloutsMax = 500;
/** Deployments at the same time; what a drone can be told. */
const deploymentsMax = 4_000;

export interface UnchangedRelease {
  readonly release: ReleaseRow;
  readonly drones: readonly DroneOutcome[];
  readonly lines: readonly RolloutProgress[];
}

export class ReleaseAdmission {
  readonly #world: HubWorld;
  readonly #fleet: Fleet;
  readonly #sight: RolloutSight;

  constructor(world: HubWorld, fleet: Fleet, sight: RolloutSight) {
    this.#world = world;
    this.#fleet = fleet;
    this.#sight = sight;
  }

  /** @throws NO_DRONE, NO_SERVICE, NO_PLACE, OVERLOADED */
  refuse(rows: LedgerRows, request: ReleaseRequest, underWay: number): void {
    const refusal = refusalOf(request, this.#sight.places());
    if (refusal) throw refusal;
    checkEnvironmentRoom(rows, request.repo, request.environment);
    if (underWay >= rolloutsMax) {
      throw new PropagitError("OVERLOADED", `${rolloutsMax} releases are on their way`);
    }
    if (rows.rows("deployments").size < deploymentsMax) return;
    throw new PropagitError("OVERLOADED", `${deploymentsMax} deployments run already`, {
      hint: "stop one: propagit stop REPO COMMIT",
    });
  }

  /** What it is to run: the same is the same. @throws DATA_UNUSABLE when settings cannot be read */
  deploymentOf(request: ReleaseRequest): string {
    return deploymentIdFor(this.#world, request);
  }

  /** Asks the drones that would get it whether they have room. @throws DISK_LOW */
  async checkRoom({ repo, commit, artifact, specification }: ReleaseRequest): Promise<void> {
    const { services } = specification;
    const concerned = this.#fleet.members.filter(
      ({ contact, ownCommand, draining, labels }) =>
        contact === "connected" &&
        !draining &&
        (ownCommand || services.some(({ on }) => matchesSelector(on, labels))),
    );
    if (concerned.length === 0) return;
    const bytes = await this.#world.repositories.sizeOf(repo, commit);
    const wanted = { repo, commit: artifact ?? commit, bytes };
    await Promise.all(
      concerned.map(async ({ identity, name }) => {
        const room = await this.#fleet
          .call(identity, "drone.room", wanted, { limitMs: roomMs })
          .catch(() => undefined);
        if (!room || room.fits) return;
        throw new PropagitError(
          "DISK_LOW",
          `drone ${name} has no room for ${repo} ${shortCommit(commit)}: it needs ${mib(room.neededBytes)} MiB, and ${mib(room.freeBytes)} MiB are free`,
        );
      }),
    );
  }

  /**
   * The release that has everything that is asked for, when all of it is there; undefined otherwise. What a
   * rollback to it puts back is put all the same: the settings may be those of a release that failed since.
   * The branch that asks for it leads to it.
   */
  unchanged(
    draft: Draft,
    request: ReleaseRequest,
    deployment: string,
  ): UnchangedRelease | undefined {
    const unchanged = this.#findUnchanged(draft, request, deployment);
    if (unchanged && request.kind === "rollback") {
      const { lastRelease } = environmentOf(draft, request.repo, request.environment);
      putBack(draft, { ...request, number: lastRelease + 1 });
    }
    const { branch } = request;
    if (unchanged && branch !== undefined) {
      leadBranch(draft, { ...placed(request), branch, deployment, since: this.#world.clock.now() });
    }
    return unchanged;
  }

  #findUnchanged(
    rows: LedgerRows,
    request: ReleaseRequest,
    deployment: string,
  ): UnchangedRelease | undefined {
    const seen = () => this.#sight.drones(deployment);
    const release = unchangedRelease(request, { rows, deployment, drones: seen });
    if (!release) return undefined;
    const drones = seen();
    const standings = drones.flatMap((drone): Standing[] => {
      const { identity, contact } = drone;
      if (contact === "left") return [];
      const before = { identity, wasThere: isThere(drone), ranBefore: true, staleFailures: [] };
      const verdict = judge(drone, before, undefined);
      return verdict ? [{ drone: drone.drone, verdict }] : [];
    });
    const at = this.#world.clock.now();
    return {
      release,
      drones: standings.map(outcomeOf),
      lines: newLines(standings, new Map()).map((line) => ({ kind: "drone", at, ...line })),
    };
  }

  /** A release to join: the newest of its place on its way, when it is the very same; of this branch too, then. */
  joins(draft: Draft, row: RolloutRow, request: ReleaseRequest, deployment: string): boolean {
    const release = draft.rows("releases").get(releaseKey(row.repo, row.environment, row.number));
    const isSame =
      row.deployment === deployment &&
      row.phase !== "undoing" &&
      row.promote === request.promote &&
      (row.redeploy ?? false) === (request.redeploy ?? false) &&
      release?.kind === request.kind &&
      Value.Equal(release.specification, request.specification);
    if (isSame && request.branch !== undefined) alsoOfBranch(draft, release, request.branch);
    return isSame;
  }
}

function placed({ repo, environment }: ReleaseRequest) {
  return { repo, environment };
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
