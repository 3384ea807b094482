/** Who asks, for the ledger: `ann@laptop`. */
import { hostname, userInfo } from "node:os";

/** As the protocol allows it. */
const authorCharsMax = 200;

/** `PROPAGIT_BY` when it is set, for a robot that acts for somebody; else user and machine. */
export function author(env = process.env): string {
  const { PROPAGIT_BY: by } = env;
  const name = by || `${userName(env)}@${hostname()}`;
  return name.replaceAll(/\p{Cc}/gu, " ").slice(0, authorCharsMax);
}

function userName({ USER: user }: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    // Containers run processes under a number that has no name.
    return user || `${process.getuid?.() ?? "somebody"}`;
  }
}
