/** What the hub has heard of parts of plans that relays carry out, in its store beside its own plans. */
import { storeJournal, type Journal } from "@propagit/plan";
import type { HubWorld } from "./world.js";

export function partJournal({ store }: Pick<HubWorld, "store">): Journal {
  return storeJournal(store, "part");
}
