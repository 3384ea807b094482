/** One seed, one clock, one network; a world for every simulated process. */
import type { Crypto } from "@propagit/protocol";
import { silentLog } from "../log.js";
import type { Random } from "../random.js";
import { nodeCrypto } from "../system/node-crypto.js";
import type { World } from "../world.js";
import { SimClock } from "./sim-clock.js";
import { SimDisk } from "./sim-disk.js";
import { SimNetwork } from "./sim-network.js";
import { simRandom } from "./sim-random.js";

export interface Simulation {
  readonly seed: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: Random;
  /** The world as a process on `host` sees it; its disk is kept between calls. */
  worldOf(host: string): World & { readonly disk: SimDisk };
}

// Hashing is deterministic, so the real one serves here too.
const crypto: Crypto = nodeCrypto;

export function simulate(seed: number): Simulation {
  const clock = new SimClock();
  const random = simRandom(seed);
  const network = new SimNetwork(clock, random);
  const disks = new Map<string, SimDisk>();
  const diskOf = (host: string) => {
    const disk = disks.get(host) ?? new SimDisk();
    disks.set(host, disk);
    return disk;
  };
  return {
    seed,
    clock,
    network,
    random,
    worldOf: (host) => ({
      clock,
      random,
      crypto,
      log: silentLog,
      network: network.from(host),
      disk: diskOf(host),
    }),
  };
}
