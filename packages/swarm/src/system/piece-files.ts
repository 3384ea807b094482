/**
 * Artifacts on disk, one folder for each:
 *
 *     FOLDER/ARTIFACT/pack      its bytes, with holes where pieces are missing
 *     FOLDER/ARTIFACT/manifest  notes, each whole or not there
 *     FOLDER/ARTIFACT/grant
 *     FOLDER/.removed-HEX       what is being removed: out of the way with one rename, so that no crash leaves half
 *                               an artifact that looks like a whole one
 */
import { constants } from "node:fs";
import { readdir, access, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, makeFolder, namesIn, nodeDisk, type Random } from "@propagit/runtime";
import type { KeptArtifact, NoteName, PieceFile, PieceFiles } from "../world.js";
import { diskFailure } from "./disk-failure.js";
import { bytesOnDisk, openReadable, openWritable } from "./piece-file.js";

const packName = "pack";
const removedPrefix = ".removed-";
/** Of what `writeAtomic` of the disk was writing. */
const freshSuffix = ".new";
const secretFolderMode = 0o700;

/**
 * Makes the folder, and tidies up what an earlier life left half done.
 *
 * @throws DATA_UNUSABLE
 */
export async function openPieceFiles(folder: string, random: Random): Promise<PieceFiles> {
  try {
    await makeFolder(folder, secretFolderMode);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    await tidy(folder);
  } catch (thrown) {
    throw await diskFailure(folder, thrown);
  }
  return new NodePieceFiles(folder, random);
}

class NodePieceFiles implements PieceFiles {
  readonly #folder: string;
  readonly #random: Random;
  #lastMade: Promise<unknown> = Promise.resolve();

  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  async open(artifact: string, bytes: number): Promise<PieceFile> {
    const path = join(await this.#makePlace(artifact), packName);
    const file = await openWritable(path, bytes);
    // Reading changes no time that can be relied on, so that it is in use is said here.
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return file;
  }

  openPath(path: string, bytes: number): Promise<PieceFile> {
    return openReadable(path, bytes);
  }

  readNote(artifact: string, name: NoteName): Promise<string | undefined> {
    return nodeDisk.read(join(this.#place(artifact), name));
  }

  async writeNote(artifact: string, name: NoteName, text: string): Promise<void> {
    const path = join(await this.#makePlace(artifact), name);
    try {
      await nodeDisk.writeAtomic(path, text, { mode: 0o600 });
    } catch (thrown) {
      throw await diskFailure(path, (thrown as Error).cause ?? thrown);
    }
  }

  async list(): Promise<readonly KeptArtifact[]> {
    const names = await namesIn(this.#folder);
    const found = await Promise.all(
      names.filter(isArtifact).map((name) => look(this.#place(name), name)),
    );
    return found.filter((it) => it !== undefined);
  }

  async remove(artifact: string): Promise<void> {
    const removed = join(this.#folder, `${removedPrefix}${this.#random.hex(16)}`);
    try {
      await rename(this.#place(artifact), removed);
      await rm(removed, { recursive: true, force: true });
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return;
      throw await diskFailure(this.#place(artifact), thrown);
    }
  }

  #place(artifact: string): string {
    return join(this.#folder, artifact);
  }

  /** One call after the other: notes are written in the order in which they were given. */
  #makePlace(artifact: string): Promise<string> {
    const made = this.#lastMade.catch(() => undefined).then(() => this.#make(artifact));
    this.#lastMade = made;
    return made;
  }

  async #make(artifact: string): Promise<string> {
    const place = this.#place(artifact);
    try {
      await makeFolder(place, secretFolderMode);
    } catch (thrown) {
      throw await diskFailure(place, thrown);
    }
    return place;
  }
}

async function look(place: string, artifact: string): Promise<KeptArtifact | undefined> {
  const names = await namesIn(place);
  const files = await Promise.all(
    names.map((name) => stat(join(place, name)).catch(() => undefined)),
  );
  const there = files.filter((it) => it !== undefined);
  if (there.length === 0) return undefined;
  return {
    artifact,
    bytes: there.reduce((sum, file) => sum + bytesOnDisk(file), 0),
    usedAt: Math.floor(Math.max(...there.map(({ mtimeMs }) => mtimeMs))),
  };
}

async function tidy(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.startsWith(removedPrefix)) await rm(path, { recursive: true, force: true });
    else if (isArtifact(name)) await tidyPlace(path);
  }
}

/** Half-written notes, and folders that were made and never filled. */
async function tidyPlace(place: string): Promise<void> {
  const names = await namesIn(place);
  const fresh = names.filter((name) => name.endsWith(freshSuffix));
  for (const name of fresh) await rm(join(place, name), { force: true });
  if (fresh.length === names.length) await rm(place, { recursive: true, force: true });
}

function isArtifact(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
