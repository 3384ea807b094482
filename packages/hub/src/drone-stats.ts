/** What drones measure of their machines and instances, asked of all of them at once. */
import type { Result } from "@propagit/protocol";
import type { Fleet, Member } from "./fleet.js";

export type DroneStats = Result<"drone.stats">;

/** Who takes longer is left out, so that a table is never held up by one slow machine. */
const statsMsMax = 1_000;

/** By identity; drones that are not connected, or do not answer in time, are left out. */
export async function askStats(
  fleet: Pick<Fleet, "call">,
  members: Iterable<Member>,
): Promise<ReadonlyMap<string, DroneStats>> {
  const answers = new Map<string, DroneStats>();
  const asked = [...members].filter(({ contact }) => contact === "connected");
  const ask = async ({ identity }: Member) => {
    const limit = { limitMs: statsMsMax };
    const stats = await fleet.call(identity, "drone.stats", {}, limit).catch(() => undefined);
    if (stats) answers.set(identity, stats);
  };
  await Promise.all(asked.map(ask));
  return answers;
}
