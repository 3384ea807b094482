import type { Log } from "../log.js";
import type { World } from "../world.js";
import { nodeClock } from "./node-clock.js";
import { nodeCrypto } from "./node-crypto.js";
import { nodeDisk } from "./node-disk.js";
import { nodeRandom } from "./node-random.js";
import { webSocketNetwork } from "./web-socket.js";

/** The real world. */
export function nodeWorld(log: Log): World {
  return {
    clock: nodeClock,
    random: nodeRandom,
    network: webSocketNetwork,
    disk: nodeDisk,
    crypto: nodeCrypto,
    log,
  };
}
