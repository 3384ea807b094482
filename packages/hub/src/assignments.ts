/**
 * Keeps every drone told of what it should run.
 *
 *     rows or drones changed -> places -> (where totals are: written) -> drones whose assignment changed
 *
 * What is to run changes the places at once; what drones do, once for a whole crowd of them, and after the
 * answer to a join, which a drone must have first.
 *
 * The places are always those of the rows as they are, so whoever looks right after a change sees them;
 * drones are told when that is on disk.
 */
import { shortCommit, type Assignment, type Telling } from "@propagit/protocol";
import {
  assignmentsOf,
  placeAll,
  totalsOf,
  wantedOf,
  type AssignedDrone,
  type Counts,
} from "./core/assignments.js";
import { Draft } from "./core/draft.js";
import type { Placement } from "./core/placement.js";
import type { DeploymentRow, LedgerChange, TableName } from "./core/rows.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import { Paced } from "./paced.js";
import type { HubWorld } from "./world.js";

/** Until what could not be written is tried again. */
const againMs = 5_000;
/** A quarter of a second for a thousand drones, of which placing 60 services takes about a third. */
const restMsPerDrone = 0.25;

export class Assignments {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #listeners = new Set<() => void>();
  /** What each drone was told last, as text. */
  readonly #told = new Map<string, string>();
  readonly #paced: Paced;
  #counts: Counts;
  #isAnyDraining = false;
  #isStopped = false;
  /** Of the telling under way: whether there was news meanwhile. */
  #telling: { isStale: boolean } | undefined;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#counts = remembered(ledger);
    const restMs = () => ledger.rows("drones").size * restMsPerDrone;
    this.#paced = new Paced(world.clock, restMs, () => this.#place());
    ledger.listen({
      changed: (tables) => this.#ledgerChanged(tables),
      happened: () => undefined,
    });
    fleet.listen({
      contact: (identity, contact) => {
        if (contact === "connected") this.#told.delete(identity);
        this.#paced.ask();
      },
      observed: () => {
        // Who drains is let go when others are ready in its place.
        if (this.#isAnyDraining) this.#paced.ask();
      },
    });
    this.#place();
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** Called after places changed, or might have. */
  listen(changed: () => void): { stop(): void } {
    this.#listeners.add(changed);
    return { stop: () => this.#listeners.delete(changed) };
  }

  wantedOf(deployment: string, identity: string): ReadonlyMap<string, number> {
    return wantedOf(this.#counts, deployment, identity);
  }

  stop(): void {
    this.#isStopped = true;
    this.#paced.stop();
  }

  #ledgerChanged(tables: ReadonlySet<TableName>): void {
    if (tables.has("deployments") || tables.has("holds") || tables.has("spawned")) this.#place();
    else if (tables.has("releases")) this.#tellSoon();
    if (tables.has("drones")) this.#paced.ask();
  }

  #place(): void {
    if (this.#isStopped) return;
    const drones = this.#fleet.members.map(assignedDrone);
    this.#isAnyDraining = drones.some(({ draining }) => draining);
    this.#counts = placeAll({
      deployments: this.#ledger.rows("deployments"),
      holds: this.#ledger.rows("holds"),
      spawned: this.#ledger.rows("spawned"),
      drones,
      before: this.#counts,
    });
    for (const changed of this.#listeners) changed();
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#telling) this.#telling.isStale = true;
    else void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    const telling = { isStale: true };
    this.#telling = telling;
    try {
      while (telling.isStale && !this.#isStopped) {
        telling.isStale = false;
        await this.#ledger.change(() => this.#placementChange());
        this.#tell();
      }
    } catch (thrown) {
      this.#world.log.warn(`where instances are could not be written: ${String(thrown)}`);
      this.#world.clock.after(againMs, () => this.#paced.ask());
    } finally {
      this.#telling = undefined;
    }
  }

  /** Undefined when nothing moved. */
  #placementChange(): LedgerChange | undefined {
    const draft = new Draft(this.#ledger);
    for (const deployment of this.#ledger.rows("deployments").values()) {
      const services = this.#counts.get(deployment.id);
      if (!services) continue;
      const before = this.#ledger.rows("placements").get(deployment.id)?.counts ?? {};
      const counts = totalsOf(deployment, services);
      if (JSON.stringify(before) === JSON.stringify(counts)) continue;
      draft.put("placements", deployment.id, { deployment: deployment.id, counts });
      for (const [service, now] of Object.entries(counts)) {
        const text = this.#moveText(deployment, service, before[service] ?? {}, now);
        const { repo, environment, release, commit } = deployment;
        if (text) draft.note({ kind: "moved", repo, environment, release, commit, text });
      }
    }
    return draft.changeIfAny;
  }

  /** Undefined when nothing went from one drone to another. */
  #moveText(
    { repo, commit }: DeploymentRow,
    service: string,
    before: Readonly<Record<string, number>>,
    now: Readonly<Record<string, number>>,
  ): string | undefined {
    const name = (identity: string) => this.#fleet.nameOf(identity);
    const from = Object.keys(before).filter((each) => (now[each] ?? 0) < (before[each] ?? 0));
    const to = Object.keys(now).filter((each) => (now[each] ?? 0) > (before[each] ?? 0));
    if (from.length === 0 || to.length === 0) return undefined;
    const what = `${service} of ${repo} ${shortCommit(commit)}`;
    return `${what} moves from ${from.map(name).join(", ")} to ${to.map(name).join(", ")}`;
  }

  #tell(): void {
    const { revision } = this.#ledger;
    const deployments = this.#ledger.rows("deployments");
    const lists = assignmentsOf(deployments, this.#ledger.rows("holds"), this.#counts);
    const keep = keptCommits(this.#ledger);
    const keepText = JSON.stringify(keep);
    const texts = new Map<Assignment, string>();
    const textOf = (assignment: Assignment) => {
      const text = texts.get(assignment) ?? JSON.stringify(assignment);
      texts.set(assignment, text);
      return text;
    };
    const { members } = this.#fleet;
    // Those of drones that are forgotten.
    if (this.#told.size > members.length) this.#told.clear();
    for (const { identity, contact } of members) {
      if (contact !== "connected") continue;
      const assignments = [...(lists.get(identity) ?? [])];
      const text = assignments.map(textOf).join() + keepText;
      if (this.#told.get(identity) === text) continue;
      this.#told.set(identity, text);
      this.#fleet.tell(identity, "drone.assign", { revision, assignments, keep });
    }
  }
}

/** Without what a member has beside, as there are as many of them as drones and services together. */
export function assignedDrone(member: Member): AssignedDrone {
  const { identity, name, labels, contact, draining, ownCommand } = member;
  const ready = new Map<string, number>();
  for (const { deployment, service, phase } of member.instances.values()) {
    if (phase !== "ready") continue;
    const key = `${deployment}/${service}`;
    ready.set(key, (ready.get(key) ?? 0) + 1);
  }
  return { identity, name, labels, contact, draining, ownCommand, ready };
}

/** Where a former life of the hub had put what is counted in total. */
function remembered(ledger: Ledger): Counts {
  return new Map(
    [...ledger.rows("placements").values()].map(({ deployment, counts }) => [
      deployment,
      new Map(
        Object.entries(counts).map(([service, places]): [string, Placement] => [
          service,
          new Map(Object.entries(places)),
        ]),
      ),
    ]),
  );
}

/** Commits that stay on disk: of every release that is not removed. */
function keptCommits(ledger: Ledger): Telling<"drone.assign">["keep"] {
  const kept = new Map<string, { repo: string; commit: string }>();
  for (const { repo, commit, artifact, presence } of ledger.rows("releases").values()) {
    if (presence === "removed") continue;
    const name = { repo, commit: artifact ?? commit };
    kept.set(`${repo}/${name.commit}`, name);
  }
  return [...kept.values()];
}
