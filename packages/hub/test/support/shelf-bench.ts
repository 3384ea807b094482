/** A shelf of packs over real repositories, signed with a key of its own. */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeRandom, silentLog, type Log } from "@propagit/runtime";
import { parseManifest } from "@propagit/swarm";
import type { KeptArtifact } from "../../src/artifacts.js";
import {
  ArtifactShelf,
  type ShelfKey,
  type ShelfOptions,
} from "../../src/system/artifact-shelf.js";
import type { GitRepositories } from "../../src/system/git-repositories.js";

export function makeShelfKey(): ShelfKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { publicKey: spki(publicKey), sign: (text) => signed(privateKey, text) };
}

export function openShelf(
  folder: string,
  repositories: GitRepositories,
  options: Partial<ShelfOptions> & { readonly log?: Log } = {},
): Promise<ArtifactShelf> {
  return ArtifactShelf.open({
    folder: join(folder, "artifacts"),
    repositories,
    key: makeShelfKey(),
    random: nodeRandom,
    log: silentLog,
    now: Date.now,
    ...options,
  });
}

/** What is wrong with a pack, by its manifest; undefined when all of it is right. */
export async function whyWrong(kept: KeptArtifact): Promise<string | undefined> {
  const bytes = await readFile(kept.path);
  const manifest = parseManifest(kept.manifest.text);
  if (hash(Buffer.from(kept.manifest.text)) !== kept.artifact) return "it has another id";
  if (bytes.length !== manifest.bytes) return `it has ${bytes.length} bytes`;
  if (hash(bytes) !== manifest.sha256) return "its bytes are others";
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += manifest.pieceBytes) {
    pieces.push(hash(bytes.subarray(at, at + manifest.pieceBytes)));
  }
  return pieces.join("") === manifest.pieces ? undefined : "its pieces are others";
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).toString("base64");
}

function signed(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString("base64");
}
