/** Releases on their way by place: the first is under way, the others wait behind it. */
import { PropagitError } from "@propagit/protocol";
import { placeName } from "./core/place-name.js";
import { placeKey } from "./core/rows.js";
import type { Rollout } from "./rollout.js";

export interface ReleasePlace {
  readonly repo: string;
  readonly environment: string;
}

/** Which release of which place. */
export interface ReleaseName extends ReleasePlace {
  readonly release: number;
}

export class RolloutQueues {
  readonly #queues = new Map<string, Rollout[]>();

  get all(): readonly Rollout[] {
    return [...this.#queues.values()].flat();
  }

  of({ repo, environment }: ReleasePlace): readonly Rollout[] {
    return this.#queues.get(placeKey(repo, environment)) ?? [];
  }

  find(wanted: ReleaseName): Rollout | undefined {
    return this.of(wanted).find(({ row }) => row.number === wanted.release);
  }

  isFirst(rollout: Rollout): boolean {
    return this.of(rollout.row)[0] === rollout;
  }

  /** The one right before it. */
  before(rollout: Rollout): Rollout | undefined {
    const queue = this.of(rollout.row);
    return queue[queue.indexOf(rollout) - 1];
  }

  add(rollout: Rollout): void {
    const { repo, environment } = rollout.row;
    this.#queues.set(placeKey(repo, environment), [...this.of(rollout.row), rollout]);
  }

  remove(rollout: Rollout): void {
    const { repo, environment } = rollout.row;
    const left = this.of(rollout.row).filter((other) => other !== rollout);
    if (left.length > 0) this.#queues.set(placeKey(repo, environment), left);
    else this.#queues.delete(placeKey(repo, environment));
  }

  clear(): void {
    this.#queues.clear();
  }
}

export function noRelease({ repo, environment, release }: ReleaseName): PropagitError {
  const where = placeName({ repo, environment });
  return new PropagitError("NO_RELEASE", `there is no release ${release} of ${where}`);
}
