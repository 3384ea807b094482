/** How long tasks of a plan took when the hub carried out such a plan; a hub that is not there is no reason to wait. */
import type { PastDuration, Plan } from "@propagit/plan";
import { nodeClock, within } from "@propagit/runtime";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import { durationsFrom, type Durations } from "./forecast.js";

/** To connect and to be told. */
const limitMs = 3_000;
const none: Durations = new Map();

export async function pastAtHub({ name }: Plan, flags: HubFlags): Promise<Durations> {
  const asked = withHub(flags, (hub) =>
    collect<PastDuration>(async (onPart) => {
      const { durations } = await hub.call("hub.plan-durations", { name }, { onPart, limitMs });
      return durations;
    }),
  ).then(durationsFrom);
  // No hub is named, it is away, or older than this: then nothing is known.
  return within(nodeClock, limitMs, "the hub's answer", asked).catch(() => none);
}
