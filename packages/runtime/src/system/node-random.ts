import { randomBytes } from "node:crypto";
import type { Random } from "../random.js";

export const nodeRandom: Random = {
  hex: (chars) =>
    randomBytes(Math.ceil(chars / 2))
      .toString("hex")
      .slice(0, chars),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
