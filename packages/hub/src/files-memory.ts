/**
 * What the hub knows of the files that drones hold, for when they cannot be asked, and so that the next push is small.
 *
 *     pushed to /srv/site     one row
 *     pushed to ~/            a row for each place that it made there, and one for the next push to ~/
 */
import {
  namesHome,
  parseCommitHash,
  toPropagitError,
  type CommitHash,
  type FilesRow as ShownRow,
} from "@propagit/protocol";
import { tasksOfPlan, type Plan, type RunEvent } from "@propagit/plan";
import {
  forgottenFiles,
  isPlaceAt,
  newestOfPlaces,
  rowsOfPush,
  type FilesRow,
} from "./core/files-rows.js";
import type { HomeNames } from "./core/home-names.js";
import type { FilesMeans } from "./files-means.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

export interface FilesMemoryParts {
  readonly world: Pick<HubWorld, "crypto" | "log">;
  readonly ledger: Ledger;
  readonly fleet: Pick<Fleet, "member" | "members">;
  readonly means: Pick<FilesMeans, "homeNames">;
}

/** Commits whose names are kept at hand; a guess, more than there are pushes at the same time. */
const namesMax = 100;

export class FilesMemory {
  readonly #parts: FilesMemoryParts;
  /** The same for all drones of a push. */
  readonly #names = new Map<string, Promise<HomeNames | undefined>>();

  constructor(parts: FilesMemoryParts) {
    this.#parts = parts;
  }

  /** What a drone was given there last. */
  baseOf(identity: string, path: string): string | undefined {
    return this.#rows.get(this.#keyOf(identity, path))?.commit;
  }

  /** Commits that drones hold. */
  get commits(): readonly string[] {
    return [...this.#rows.values()].flatMap(({ commit, carrier }) => [commit, carrier]);
  }

  /** @param isLate heard of some time after it was done, so that something newer may be known */
  async remember(pushed: FilesRow, isLate = false): Promise<void> {
    const names = namesHome(pushed.path) ? await this.#namesOf(pushed.commit) : undefined;
    await this.#parts.ledger.change(() => {
      const edits = rowsOfPush(pushed, names).flatMap((row) => {
        const key = this.#keyOf(row.identity, row.shared ? sharedKey : row.path);
        const before = this.#rows.get(key);
        if (isLate && before && before.at > row.at) return [];
        // A relay does not tell what a drone made of a path, and that does not change.
        const place = row.place ?? before?.place;
        const whole = { ...row, ...(place !== undefined && { place }) };
        return [{ table: "files", key, row: whole } as const];
      });
      return edits.length > 0 ? { edits, events: [] } : undefined;
    });
  }

  /** What relays have put on drones, as their parts of a plan tell it; when that cannot be kept, the plan goes on. */
  async heard(plan: Plan, events: readonly RunEvent[], by: string): Promise<void> {
    for (const pushed of pushesIn(plan, events)) {
      const { drone, path, at } = pushed;
      const member = this.#parts.fleet.members.find(({ name }) => name === drone);
      if (!member) continue;
      try {
        const commit = parseCommitHash(pushed.commit);
        const { identity } = member;
        await this.remember({ identity, path, commit, carrier: commit, at, by }, true);
      } catch (thrown) {
        const why = toPropagitError(thrown).message;
        this.#parts.world.log.warn(`what ${drone} got at ${path} is not remembered: ${why}`);
      }
    }
  }

  /** @param reason why the drone cannot be asked itself */
  of(
    { identity, name: drone }: Pick<Member, "identity" | "name">,
    path: string | undefined,
    reason: string,
  ): readonly ShownRow[] {
    const rows = [...this.#rows.values()].filter((row) => row.identity === identity);
    return newestOfPlaces(rows)
      .filter((row) => isPlaceAt(row, path))
      .map((row) => ({
        drone,
        path: row.place ?? row.path,
        commit: row.commit,
        at: row.at,
        by: row.by,
        reason: reason.slice(0, 2_000),
      }));
  }

  /** Lets go of what is of no use any more. */
  async tidy(): Promise<void> {
    const { ledger, fleet } = this.#parts;
    const known = (identity: string) => fleet.member(identity) !== undefined;
    await ledger.change(() => {
      const edits = forgottenFiles(this.#rows, known).map(
        (key) => ({ table: "files", key, row: undefined }) as const,
      );
      return edits.length > 0 ? { edits, events: [] } : undefined;
    });
  }

  get #rows(): ReadonlyMap<string, FilesRow> {
    return this.#parts.ledger.rows("files");
  }

  /** Undefined when they cannot be told: then it is one place. */
  #namesOf(commit: string): Promise<HomeNames | undefined> {
    const { means, world } = this.#parts;
    const known = this.#names.get(commit);
    if (known) return known;
    const names = means.homeNames(commit as CommitHash).catch((thrown: unknown) => {
      this.#names.delete(commit);
      const why = toPropagitError(thrown).message;
      world.log.warn(`what was pushed to home folders cannot be read: ${why}`);
      return undefined;
    });
    if (this.#names.size >= namesMax) this.#names.clear();
    this.#names.set(commit, names);
    return names;
  }

  #keyOf(identity: string, asked: string): string {
    const path = namesHome(asked) ? "~/" : asked;
    return `${identity}/${this.#parts.world.crypto.mac("files", path).slice(0, 32)}`;
  }
}

/** Of the files in a home folder itself; no path is written so. */
const sharedKey = "files in ~/";

interface Put {
  readonly drone: string;
  readonly path: string;
  readonly commit: string;
  readonly at: number;
}

function pushesIn(plan: Plan, events: readonly RunEvent[]): readonly Put[] {
  const ended = new Map(
    events.flatMap((event) =>
      event.kind === "task-ended" && (event.outcome === "done" || event.outcome === "unchanged")
        ? [[event.task, event.at] as const]
        : [],
    ),
  );
  if (ended.size === 0) return [];
  return tasksOfPlan(plan).flatMap(({ id, command, where, args }) => {
    const at = ended.get(id);
    if (at === undefined || command !== "put-files" || where.kind !== "drone") return [];
    return [{ drone: where.drone, path: String(args["path"]), commit: String(args["commit"]), at }];
  });
}
