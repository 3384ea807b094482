/**
 * Which way the bytes of a commit take to a drone that asked, by rule and without a setting:
 *
 *     pack of at most 16 KiB                         -> inline: it comes in the answer
 *     what the hub's line is spared is worth it      -> swarm
 *     otherwise                                      -> git, from the hub as before
 *
 * What is spared is what others send in the hub's place, all copies but one: their bytes, and the processes that
 * the hub runs for each fetch. To find each other, and to have the pack made whole before its first byte leaves,
 * costs a swarm something too, once. With one drone nothing is spared, and its way is the direct one.
 */

export type Way = "git" | "inline" | "swarm";

export interface WayQuestion {
  /** Of the pack, or an estimate while it is not made; undefined when even that is unknown. */
  readonly bytes: number | undefined;
  /** Drones that want the commit now, with whoever asks. */
  readonly wanting: number;
  /** Drones that hold these bytes already and are there. */
  readonly holders: number;
}

/** A grant and the first peers are hardly smaller; a drone is served at once. */
export const inlineBytesMax = 16 * 1024;
/**
 * Both as bytes that a line of a gigabit carries meanwhile: a fetch is some 35 ms of the hub's processor, a swarm
 * begins some 170 ms later. So two drones get 16 MiB and more from a swarm, three 6 MiB, four 3 MiB, five 1 MiB,
 * six everything that does not fit into the answer.
 *
 * Measured with two real drones, both ways in turn, the best of three each, on a machine that was busy with other
 * things: at a gigabit 4 MB come 0.2 s later by the swarm, 16 MB 0.5 s sooner; at a tenth of that 4 MB take about as
 * long either way. So it is the swarm only where it surely is not slower; between 7 and 16 MB, and on slower lines
 * earlier, two drones could be a little sooner with it.
 */
const fetchWorthBytes = 4 * 1024 * 1024;
export const sparedBytesMin = 20 * 1024 * 1024;

export function chooseWay({ bytes, wanting, holders }: WayQuestion): Way {
  const senders = wanting - 1 + (holders > 0 ? 1 : 0);
  if (bytes === undefined) return senders > 0 ? "swarm" : "git";
  if (bytes <= inlineBytesMax) return "inline";
  return senders * (bytes + fetchWorthBytes) >= sparedBytesMin ? "swarm" : "git";
}
