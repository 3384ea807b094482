/**
 * Commits that were brought here ahead of their use: they stay on disk until something runs them, or their time is
 * over. Without that, the next tidying would remove what no deployment needs yet.
 */
import { parseJson } from "@propagit/protocol";
import type { Clock, Disk } from "@propagit/runtime";
import type { CommitName } from "./world.js";

/** A rollout over days, with gates that people open, needs no longer. A guess. */
const keptMs = 7 * 86_400_000;
/** The newest; a guess, some more than what one machine is about to run. */
const keptMax = 20;

interface Kept extends CommitName {
  /** In ms since 1970. */
  readonly at: number;
}

export interface DistributedPlace {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly file: string;
}

export class DistributedCommits {
  readonly #place: DistributedPlace;
  #kept: readonly Kept[];

  private constructor(place: DistributedPlace, kept: readonly Kept[]) {
    this.#place = place;
    this.#kept = kept;
  }

  static async open(place: DistributedPlace): Promise<DistributedCommits> {
    const text = (await place.disk.read(place.file)) ?? "";
    const written = parseJson(text);
    return new DistributedCommits(place, Array.isArray(written) ? written.filter(isKept) : []);
  }

  /** Newest first. */
  get all(): readonly CommitName[] {
    return this.#fresh().map(({ repo, commit }) => ({ repo, commit }));
  }

  /** On disk when it resolves. @throws DATA_UNUSABLE */
  async keep({ repo, commit }: CommitName): Promise<void> {
    const others = this.#fresh().filter((one) => one.repo !== repo || one.commit !== commit);
    const { clock, disk, file } = this.#place;
    this.#kept = [{ repo, commit, at: clock.now() }, ...others].slice(0, keptMax);
    await disk.writeAtomic(file, JSON.stringify(this.#kept), { mode: 0o600 });
  }

  #fresh(): readonly Kept[] {
    const since = this.#place.clock.now() - keptMs;
    return this.#kept.filter(({ at }) => at > since);
  }
}

function isKept(value: unknown): value is Kept {
  const { repo, commit, at } = (value ?? {}) as Partial<Record<keyof Kept, unknown>>;
  return typeof repo === "string" && typeof commit === "string" && typeof at === "number";
}
