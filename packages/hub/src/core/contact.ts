/**
 * How the hub is in touch with a drone:
 *
 *     connected <--> lost --drone timeout--> away
 *          \--on purpose--> left                    (any of them back to connected)
 *
 * Who is lost may be back in a moment and is waited for; who is away is not.
 */
export type Contact = "connected" | "lost" | "away" | "left";

/** A step of an instance that is worth a line of its own. */
export type Step = "fetched" | "checked out" | "started";
