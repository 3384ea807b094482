/** Asks the proxies whether they see a release, once at a time for each however often its machine wants it. */
import { toPropagitError } from "@propagit/protocol";
import type { RolloutEvent } from "./core/rollout-step.js";
import type { Rollout } from "./rollout.js";
import type { Switchboard } from "./switch.js";

export class RolloutProxies {
  readonly #switchboard: Pick<Switchboard, "seen">;
  readonly #feed: (rollout: Rollout, event: RolloutEvent) => void;
  readonly #asking = new Set<Rollout>();

  /** @param feed takes the answer */
  constructor(
    switchboard: Pick<Switchboard, "seen">,
    feed: (rollout: Rollout, event: RolloutEvent) => void,
  ) {
    this.#switchboard = switchboard;
    this.#feed = feed;
  }

  ask(rollout: Rollout): void {
    if (this.#asking.has(rollout)) return;
    this.#asking.add(rollout);
    void this.#carryOut(rollout);
  }

  async #carryOut(rollout: Rollout): Promise<void> {
    const event = await this.#answer(rollout);
    this.#asking.delete(rollout);
    if (!rollout.isOver) this.#feed(rollout, event);
  }

  async #answer({ row }: Rollout): Promise<RolloutEvent> {
    try {
      await this.#switchboard.seen([row.deployment]);
      return { kind: "seen" };
    } catch (thrown) {
      return { kind: "unseen", reason: toPropagitError(thrown).message };
    }
  }
}
