/**
 * Which way the bytes of a commit take to a drone that asked, by rule and without a setting:
 *
 *     pack of at most 16 KiB                         -> inline: it comes in the answer
 *     what the hub's line is spared is worth it      -> swarm
 *     otherwise                                      -> git, from the hub as before
 *
 * What is spared are the bytes that others would send in the hub's place: all but one copy. To find each other,
 * and to have the pack made whole before its first byte leaves, costs a swarm some tenths of a second; so long
 * the smallest worthwhile saving takes on a line of a gigabit. With one drone nothing is spared, and its way
 * is the direct one.
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
/** A guess, see above: 64 ms of a gigabit, 0.6 s of 100 Mbit/s. */
export const sparedBytesMin = 8 * 1024 * 1024;

export function chooseWay({ bytes, wanting, holders }: WayQuestion): Way {
  const senders = wanting - 1 + (holders > 0 ? 1 : 0);
  if (bytes === undefined) return senders > 0 ? "swarm" : "git";
  if (bytes <= inlineBytesMax) return "inline";
  return senders * bytes >= sparedBytesMin ? "swarm" : "git";
}
