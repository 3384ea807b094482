/** One virtual swarm in a process of its own: what is wanted comes as a message, what was measured goes back. */
import { costOfHub, runVirtualSwarm, type HubCost } from "@propagit/test-support";
import type { VirtualSwarmOptions } from "@propagit/test-support";

export type Wanted = VirtualSwarmOptions;

export interface Measured {
  readonly drones: number;
  readonly ms: number;
  readonly hubCopies: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly hub: HubCost;
  /** Of the whole simulation. */
  readonly processorSeconds: number;
  readonly memoryMb: number;
}

process.once("message", (wanted: Wanted) => void run(wanted));
// Whoever started this is gone, and so is what it was for.
process.once("disconnect", () => process.exit());

async function run(wanted: Wanted): Promise<void> {
  const { hubCopies, messagesIn, messagesOut, ms } = await runVirtualSwarm(wanted);
  const { user, system } = process.cpuUsage();
  const measured: Measured = {
    drones: wanted.drones,
    ms,
    hubCopies,
    messagesIn: messagesIn.length,
    messagesOut,
    hub: costOfHub(messagesIn),
    processorSeconds: (user + system) / 1e6,
    memoryMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
  };
  process.send?.(measured);
}
