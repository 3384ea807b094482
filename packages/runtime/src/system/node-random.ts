import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../random.js";

/** Asking the system each time costs a microsecond, which a proxy would pay for every request. */
const batch = new Uint32Array(2_048);
let taken = batch.length;

export const nodeRandom: Random = {
  hex: (chars) =>
    randomBytes(Math.ceil(chars / 2))
      .toString("hex")
      .slice(0, chars),
  /** 48 bits of the batch. */
  fraction: () => {
    if (taken === batch.length) {
      randomFillSync(batch);
      taken = 0;
    }
    const high = batch[taken] ?? 0;
    const low = batch[taken + 1] ?? 0;
    taken += 2;
    return (high * 2 ** 16 + (low >>> 16)) / 2 ** 48;
  },
};
