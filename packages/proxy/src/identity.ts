import { PropagitError } from "@propagit/protocol";
import type { World } from "@propagit/runtime";

const shape = /^[0-9a-f]{32}$/;

/**
 * Which proxy this is, across its restarts: made once, kept in its data folder.
 *
 * @returns 32 hex characters
 * @throws DATA_UNUSABLE
 */
export async function loadIdentity(
  { disk, random }: Pick<World, "disk" | "random">,
  dataFolder: string,
): Promise<string> {
  const path = `${dataFolder}/identity`;
  const known = (await disk.read(path))?.trim();
  if (known === undefined) {
    const fresh = random.hex(32);
    await disk.writeAtomic(path, `${fresh}\n`);
    return fresh;
  }
  if (shape.test(known)) return known;
  throw new PropagitError("DATA_UNUSABLE", `${path} does not say which proxy this is`, {
    hint: "remove it, and the proxy is taken for a new one",
  });
}
