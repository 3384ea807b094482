/** A drone is waited for until it is connected. */
import { PropagitError } from "@propagit/protocol";
import type { Fleet } from "./fleet.js";

export interface ConnectionWait {
  readonly fleet: Pick<Fleet, "members" | "nameOf" | "listen">;
  /** Its name. */
  readonly drone: string;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Told once when it is not there right now. */
  readonly onAway?: () => void;
}

/** Its identity; undefined when nobody waits any more. @throws NO_DRONE when there is none of that name */
export async function untilConnected({
  fleet,
  drone,
  signal,
  onAway,
}: ConnectionWait): Promise<string | undefined> {
  const named = fleet.members.filter(({ name }) => name === drone);
  if (named.length === 0) {
    throw new PropagitError("NO_DRONE", `there is no drone ${drone} any more`);
  }
  if (signal.aborted) return undefined;
  const there = named.find(({ contact }) => contact === "connected");
  if (there) return there.identity;
  onAway?.();
  return new Promise((resolve) => {
    const end = (identity: string | undefined) => {
      listening.stop();
      signal.removeEventListener("abort", giveUp);
      resolve(identity);
    };
    const giveUp = () => end(undefined);
    const listening = fleet.listen({
      observed: () => undefined,
      contact: (identity, contact) => {
        if (contact === "connected" && fleet.nameOf(identity) === drone) end(identity);
      },
    });
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
