/** What every part needs from outside; parts extend it with needs of their own. */
import type { Crypto } from "@propagit/protocol";
import type { Clock } from "./clock.js";
import type { Disk } from "./disk.js";
import type { Log } from "./log.js";
import type { Network } from "./network.js";
import type { Random } from "./random.js";

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly log: Log;
  readonly crypto: Crypto;
}
