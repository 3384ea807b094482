/** Names of runs that nobody has named. */
import type { Random } from "@propagit/runtime";

/** 40 bits: no two runs of one journal get the same, and a few digits tell them apart. */
const idChars = 10;

/** An id by chance: ten characters of 0-9a-f. */
export function freshRunId(random: Pick<Random, "hex">): string {
  return random.hex(idChars);
}
