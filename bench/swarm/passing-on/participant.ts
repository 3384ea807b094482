/** A process that takes part in one artifact, told by its parent what to do. */
import { nodeWorld, silentLog } from "@propagit/runtime";
import { openSwarm, type Admission, type Offer } from "@propagit/swarm";

export type Told =
  | { readonly kind: "offer"; readonly offer: Offer }
  | { readonly kind: "take"; readonly admission: Admission };

const [name = "", folder = ""] = process.argv.slice(2);
const { swarm, port } = await openSwarm({
  folder,
  world: nodeWorld(silentLog),
  name: () => name,
  role: name === "hub" ? "hub" : "drone",
  zone: undefined,
  listen: { host: "127.0.0.1", port: 0 },
  changed: () => undefined,
});

process.on("message", (told: Told) => void carryOut(told));
process.on("disconnect", () => process.exit());
process.send?.({ port });

async function carryOut(told: Told): Promise<void> {
  if (told.kind === "offer") await swarm.offer(told.offer);
  else await swarm.take(told.admission).whole;
  process.send?.({ done: true });
}
