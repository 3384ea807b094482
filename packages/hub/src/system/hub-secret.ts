/** The hub's secret: given, or made at the first start and kept in the data folder. */
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { nodeDisk, nodeRandom, type Log } from "@propagit/runtime";
import { readableSecret } from "../core/readable-secret.js";

export interface HubSecret {
  readonly secret: string;
  readonly source: "given" | "made" | "kept";
  /** Where a made one is kept; there is no such file when one was always given. */
  readonly file: string;
}

/** @throws BAD_USAGE when it is given empty; DATA_UNUSABLE */
export async function findHubSecret(
  given: string | undefined,
  dataFolder: string,
  log: Log,
): Promise<HubSecret> {
  const file = join(dataFolder, "secret");
  if (given !== undefined) {
    if (given === "") throw new PropagitError("BAD_USAGE", "the secret is empty");
    return { secret: given, source: "given", file };
  }
  const kept = (await nodeDisk.read(file))?.trim();
  if (kept === "") throw new PropagitError("DATA_UNUSABLE", `there is nothing in ${file}`);
  const secret = kept ?? readableSecret(nodeRandom.hex(32));
  if (kept === undefined) await nodeDisk.writeAtomic(file, `${secret}\n`, { mode: 0o600 });
  const what = kept === undefined ? "made a secret" : "uses the secret that it made before";
  log.info(
    `${what}; give it to drones and commands with PROPAGIT_SECRET_FILE=${file}, and to git as password`,
  );
  return { secret, source: kept === undefined ? "made" : "kept", file };
}
