/**
 * What is remembered of a pack, in a file beside it that only the hub's user can read:
 *
 *     artifacts/ID.pack     the bytes
 *     artifacts/ID.json     manifest and secret; written last, so what has none was never finished
 *     artifacts/.new-XXXX   being written; removed at the next start
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, nodeDisk, type Log } from "@propagit/runtime";
import { parseManifest } from "@propagit/swarm";
import type { KeptArtifact } from "../artifacts.js";

/** Signed anew when it is read, so that a hub with another key serves what it has. */
export type ArtifactRecord = Pick<KeptArtifact, "secret" | "madeAt"> & {
  readonly manifest: string;
};

const packSuffix = ".pack";
const recordSuffix = ".json";
export const unfinishedPrefix = ".new-";

export function packPath(folder: string, artifact: string): string {
  return join(folder, `${artifact}${packSuffix}`);
}

function recordPath(folder: string, artifact: string): string {
  return join(folder, `${artifact}${recordSuffix}`);
}

/** @throws DATA_UNUSABLE */
export async function writeRecord(folder: string, artifact: string, record: ArtifactRecord) {
  const text = `${JSON.stringify(record)}\n`;
  await nodeDisk.writeAtomic(recordPath(folder, artifact), text, { mode: 0o600 });
}

/** First the record: a pack without one is removed at the next start. @throws DATA_UNUSABLE */
export async function removeArtifact(folder: string, artifact: string): Promise<void> {
  await nodeDisk.remove(recordPath(folder, artifact));
  await nodeDisk.remove(packPath(folder, artifact));
}

/** What is there whole, by id; the rest is removed. @throws DATA_UNUSABLE */
export async function readRecords(folder: string, log: Log) {
  const found = new Map<string, ArtifactRecord & { readonly usedAt: number }>();
  for (const name of await names(folder)) {
    const artifact = /^([0-9a-f]{64})\.json$/.exec(name)?.[1];
    if (artifact === undefined) continue;
    const record = await readRecord(folder, artifact);
    if (record) found.set(artifact, record);
    else log.warn(`the artifact ${artifact.slice(0, 12)} is damaged and was removed`);
  }
  for (const name of await names(folder)) {
    const isWhole = found.has(name.replace(/\.(?:pack|json)$/, ""));
    if (!isWhole) await rm(join(folder, name), { force: true, recursive: true });
  }
  return found;
}

/** Undefined when something is missing, or is not what it should be. */
async function readRecord(folder: string, artifact: string) {
  try {
    const text = (await nodeDisk.read(recordPath(folder, artifact))) ?? "";
    const { manifest, secret, madeAt } = JSON.parse(text) as Record<string, unknown>;
    if (typeof manifest !== "string" || idOf(manifest) !== artifact) return undefined;
    if (typeof secret !== "string" || !/^[0-9a-f]{64}$/.test(secret)) return undefined;
    if (typeof madeAt !== "number") return undefined;
    const { size, mtimeMs } = await stat(packPath(folder, artifact));
    if (size !== parseManifest(manifest).bytes) return undefined;
    return { manifest, secret, madeAt, usedAt: Math.max(madeAt, Math.floor(mtimeMs)) };
  } catch {
    return undefined;
  }
}

/** The id of an artifact. */
export function idOf(manifest: string): string {
  return createHash("sha256").update(manifest).digest("hex");
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await readdir(folder);
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `${folder} cannot be used: ${reason}`);
  }
}
