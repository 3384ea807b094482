/** Removes from disk what the hub does not keep and nothing here uses; one tidying at a time. */
import { shortCommit, toPropagitError } from "@propagit/protocol";
import type { CommitName, DroneWorld } from "./world.js";

/** Several tellings and ends in a row are one occasion. */
const tidyAfterMs = 2_000;

export class CommitKeeper {
  readonly #world: Pick<DroneWorld, "clock" | "commits" | "log">;
  readonly #inUse: () => readonly CommitName[] | undefined;
  readonly #keeps: (names: readonly CommitName[]) => void;
  #isPlanned = false;

  /**
   * @param inUse everything that stays; undefined while that is not known
   * @param keeps told of it before anything is removed
   */
  constructor(
    world: Pick<DroneWorld, "clock" | "commits" | "log">,
    inUse: () => readonly CommitName[] | undefined,
    keeps: (names: readonly CommitName[]) => void,
  ) {
    this.#world = world;
    this.#inUse = inUse;
    this.#keeps = keeps;
  }

  tidySoon(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#world.clock.after(tidyAfterMs, () => void this.#tidy());
  }

  async #tidy(): Promise<void> {
    const { commits, log } = this.#world;
    this.#isPlanned = false;
    const names = this.#inUse();
    if (!names) return;
    this.#keeps(names);
    try {
      for (const { repo, commit } of await commits.keepOnly(names)) {
        log.info(`${repo} ${shortCommit(commit)}: removed from disk`);
      }
    } catch (thrown) {
      log.warn(`old commits were not removed from disk: ${toPropagitError(thrown).message}`);
    }
  }
}
