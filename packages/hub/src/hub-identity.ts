import { PropagitError } from "@propagit/protocol";
import type { Random } from "@propagit/runtime";
import { updateEntry, type Store } from "@propagit/store";

/**
 * Which hub this is: made once, kept in its ledger. A hub that lost its data is another one, and drones
 * must not take its empty ledger for the wish to stop everything.
 *
 * @returns 32 hex characters
 * @throws DATA_UNUSABLE
 */
export async function hubIdentity(store: Store, random: Random): Promise<string> {
  const fresh = random.hex(32);
  const identity = await updateEntry(store, "identity", (known) => known ?? fresh);
  if (typeof identity === "string") return identity;
  throw new PropagitError("DATA_UNUSABLE", "the ledger does not say which hub this is");
}
