/** Looks whether something accepts connections: often at first, as most apps listen within a moment. */
import { backoffMs, sleep } from "@propagit/runtime";
import type { DroneWorld } from "./world.js";

const probeBackoff = { firstMs: 10, maxMs: 500 } as const;

export interface Probe {
  /** All of them must accept. */
  readonly ports: () => readonly number[];
  /** Asked before every look; the probe ends when it says no. */
  readonly isWanted: () => boolean;
}

/** Resolves with true when the ports accept connections, with false when nobody wants to know any more. */
export async function untilOpen(
  world: DroneWorld,
  host: string,
  { ports, isWanted }: Probe,
): Promise<boolean> {
  // An app may listen at the published address only, or on loopback only.
  const hosts = [...new Set([host, "127.0.0.1", "::1"])];
  for (let attempt = 1; isWanted(); attempt++) {
    const answers = await Promise.all(ports().map((port) => world.ports.isOpen(hosts, port)));
    if (answers.every(Boolean)) return isWanted();
    await sleep(world.clock, backoffMs(probeBackoff, attempt, world.random.fraction()));
  }
  return false;
}
