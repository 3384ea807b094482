/**
 * Asks the hub, which asks every proxy, whether anything is under way to what is about to end.
 *
 *     drone --hub.drained--> hub --proxy.drained--> proxies      "nothing any more"
 */
import { toPropagitError } from "@propagit/protocol";
import { within, type Clock, type Conversation } from "@propagit/runtime";

export interface DrainParts {
  readonly clock: Clock;
  /** The hub, as soon as it is there. */
  readonly hub: () => Promise<Conversation>;
}

/** For the hub to be there: a restart of it. Without a hub nobody can say what is under way. A guess. */
const hubMsMax = 5_000;
/** Beside the time that the hub was given: for its own bounds on silent proxies, and the way. A guess. */
const answerMs = 5_000;

/** Resolves when nothing is under way, when nobody can say, or when the time is over. */
export async function untilDrained(
  parts: DrainParts,
  addresses: readonly string[],
  waitMs: number,
): Promise<void> {
  if (addresses.length === 0) return;
  const until = parts.clock.monotonic() + waitMs;
  let isAnswered = false;
  while (!isAnswered) {
    const leftMs = Math.round(until - parts.clock.monotonic());
    if (leftMs <= 0) return;
    const conversation = await hubWithin(parts, leftMs);
    if (!conversation) return;
    isAnswered = await ask(conversation, addresses, leftMs);
  }
}

async function hubWithin({ clock, hub }: DrainParts, leftMs: number) {
  const there = within(clock, Math.min(hubMsMax, leftMs), "the hub", hub());
  return there.catch(() => undefined);
}

/** False when the hub was lost meanwhile: it is asked again. One that does not know the question never will. */
async function ask(
  conversation: Conversation,
  addresses: readonly string[],
  waitMs: number,
): Promise<boolean> {
  const params = { addresses: [...addresses], waitMs };
  try {
    await conversation.call("hub.drained", params, { limitMs: waitMs + answerMs });
    return true;
  } catch (thrown) {
    return toPropagitError(thrown).code !== "LINK_LOST";
  }
}
