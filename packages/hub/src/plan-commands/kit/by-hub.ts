/** What a command does where no hub is. */
import { PropagitError } from "@propagit/protocol";

/** In place of `run`: the hub carries it out itself, by its ledger and its drones; see `release-tasks.ts`. */
export function byHub(): Promise<never> {
  const why = "only a hub does this, as part of what it was asked for";
  return Promise.reject(
    new PropagitError("TASK_REFUSED", why, { hint: "ask it: propagit deploy REPO COMMIT" }),
  );
}
