/** The key that settings are hidden with on disk: made at the first start, in a file beside the ledger. */
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { nodeDisk, nodeRandom } from "@propagit/runtime";

/**
 * A file of its own, so that a copy of `hub.db` alone gives nothing away.
 *
 * @throws DATA_UNUSABLE
 */
export async function findSettingsKey(dataFolder: string): Promise<string> {
  const file = join(dataFolder, "key");
  const kept = (await nodeDisk.read(file))?.trim();
  if (kept === undefined) {
    const key = nodeRandom.hex(64);
    await nodeDisk.writeAtomic(file, `${key}\n`, { mode: 0o600 });
    return key;
  }
  if (/^[0-9a-f]{64}$/.test(kept)) return kept;
  throw new PropagitError("DATA_UNUSABLE", `what is in ${file} is no key of a hub`, {
    hint: "put the key that belongs to this hub.db back; without it the settings in it are lost",
  });
}
