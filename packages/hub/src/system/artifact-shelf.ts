/**
 * The packs of a hub: made once, kept in its data folder, there again after a restart.
 *
 *     make(step) --is kept--> that one
 *                --is being made--> the same one, when it is done
 *                --else--> room on disk? a slot? git -> .new-XXXX -> rename -> record
 *
 * A step that failed is not tried again for a while: whoever asks gets the same reason, and fetches with git.
 */
import { readFile, rename, rm, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import {
  formatBytes,
  parseStoredRepoName,
  PropagitError,
  shortCommit,
  type RepoName,
} from "@propagit/protocol";
import { errnoOf, type Log, type Random } from "@propagit/runtime";
import { encodeManifest, parseManifest } from "@propagit/swarm";
import type { Artifacts, ArtifactStep, KeptArtifact, MakingArtifact } from "../artifacts.js";
import { estimatePack, isShallowHistory, knownCommits } from "./artifact-git.js";
import { writePack } from "./artifact-pack.js";
import {
  idOf,
  packPath,
  readRecords,
  removeArtifact,
  unfinishedPrefix,
  writeRecord,
  type ArtifactRecord,
} from "./artifact-records.js";
import type { GitSettings } from "./git-command.js";
import type { GitRepositories } from "./git-repositories.js";
import { Memo } from "./memo.js";
import { Slots } from "./slots.js";

/** What signs manifests. */
export interface ShelfKey {
  /** Ed25519, SPKI as base64. */
  readonly publicKey: string;
  /** Base64. */
  readonly sign: (text: string) => string;
}

export interface ShelfOptions {
  readonly folder: string;
  readonly repositories: GitRepositories;
  readonly key: ShelfKey;
  readonly random: Random;
  readonly log: Log;
  /** Ms since 1970. */
  readonly now: () => number;
  /** Of the file system, kept free (default: 256 MiB). */
  readonly freeBytesMin?: number;
}

/** Each uses all processors by itself; two, so that a huge one does not hold up a small one. */
const slotLimits = {
  name: "packs",
  runningMax: 2,
  waitingMax: 1_000,
  waitMsMax: 10 * 60_000,
} as const;
/** Short runs of git. */
const questionLimits = {
  ...slotLimits,
  name: "questions to git",
  runningMax: 8,
  waitingMax: 10_000,
};
/** A pack of tens of gigabytes; longer, and every drone would rather fetch. */
const packMsMax = 30 * 60_000;
/** Until what failed is tried again. */
const failedMsMax = 60_000;
/** For pushes, the ledger, and what an estimate is wrong by. */
const freeBytesMinDefault = 256 * 1024 * 1024;
/** What artifacts may fill: a tenth of the disk, and no more than that. */
const bytesMaxDefault = 16 * 1024 * 1024 * 1024;
const diskRatioMax = 0.1;
/** Between two notes of the same use on disk. */
const touchEveryMs = 60_000;
/** Thousands of drones ask the same few questions. */
const answersMax = 1_000;

interface Making {
  /** Changes while it is made. */
  state: MakingArtifact;
  readonly made: Promise<KeptArtifact>;
}

export class ArtifactShelf implements Artifacts {
  readonly hubKey: string;
  readonly bytesMax: number;
  readonly #options: ShelfOptions;
  readonly #kept = new Map<string, KeptArtifact>();
  readonly #making = new Map<string, Making>();
  readonly #failed = new Map<string, { readonly at: number; readonly error: PropagitError }>();
  readonly #known = new Memo<ReadonlySet<string>>(answersMax);
  readonly #shallow = new Memo<boolean>(answersMax);
  readonly #estimates = new Memo<number | undefined>(answersMax);
  readonly #slots = new Slots(slotLimits);
  readonly #questions = new Slots(questionLimits);
  readonly #stopping = new AbortController();

  private constructor(options: ShelfOptions, bytesMax: number) {
    this.#options = options;
    this.hubKey = options.key.publicKey;
    this.bytesMax = bytesMax;
  }

  /** @throws DATA_UNUSABLE */
  static async open(options: ShelfOptions): Promise<ArtifactShelf> {
    const { folder, log } = options;
    const records = await readRecords(folder, log);
    const { blocks, bsize } = await statfs(folder);
    const shelf = new ArtifactShelf(
      options,
      Math.min(bytesMaxDefault, Math.floor(blocks * bsize * diskRatioMax)),
    );
    for (const [artifact, { usedAt, ...record }] of records) shelf.#keep(artifact, record, usedAt);
    return shelf;
  }

  get kept(): readonly KeptArtifact[] {
    return [...this.#kept.values()];
  }

  get making(): readonly MakingArtifact[] {
    return [...this.#making.values()].map(({ state }) => state);
  }

  known(repo: string, commits: readonly string[]): Promise<ReadonlySet<string>> {
    const key = `${repo} ${commits.join(" ")}`;
    const isAll = (found: ReadonlySet<string>) => found.size === commits.length;
    return this.#known.get(key, () => this.#ask(repo, knownCommits, commits), isAll);
  }

  isShallow(repo: string, commits: readonly string[]): Promise<boolean> {
    const key = `${repo} ${commits.join(" ")}`;
    return this.#shallow.get(key, () => this.#ask(repo, isShallowHistory, commits));
  }

  estimate(step: ArtifactStep): Promise<number | undefined> {
    return this.#estimates.get(keyOf(step), () => this.#ask(step.repo, estimatePack, step));
  }

  async make(step: ArtifactStep): Promise<KeptArtifact> {
    const key = keyOf(step);
    const kept = this.kept.find((one) => keyOf(one) === key);
    if (kept) return kept;
    const failure = this.#failed.get(key);
    if (failure && this.#options.now() - failure.at < failedMsMax) throw failure.error;
    const known = this.#making.get(key);
    if (known) return known.made;
    const made = this.#make(step);
    const since = this.#options.now();
    this.#making.set(key, {
      state: { ...step, since, estimate: undefined, packedBytes: 0 },
      made,
    });
    try {
      return await made;
    } catch (thrown) {
      this.#noteFailure(step, thrown);
      throw thrown;
    } finally {
      this.#making.delete(key);
    }
  }

  async read(artifact: string): Promise<Uint8Array> {
    const path = packPath(this.#options.folder, artifact);
    try {
      return await readFile(path);
    } catch (thrown) {
      const reason = errnoOf(thrown) ?? String(thrown);
      throw new PropagitError("DATA_UNUSABLE", `${path} cannot be read: ${reason}`);
    }
  }

  touch(artifact: string): void {
    const kept = this.#kept.get(artifact);
    const now = this.#options.now();
    if (!kept || now - kept.usedAt < touchEveryMs) return;
    this.#kept.set(artifact, { ...kept, usedAt: now });
    // Only for the next life; an artifact that looks unused there is made anew.
    utimes(kept.path, now / 1_000, now / 1_000).catch(() => undefined);
  }

  async remove(artifact: string): Promise<void> {
    this.#kept.delete(artifact);
    await removeArtifact(this.#options.folder, artifact);
  }

  /** Ends what is under way; nothing half stays. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#making.values()].map(({ made }) => made));
  }

  /** @throws BAD_NAME, NO_REPO, OVERLOADED, DATA_UNUSABLE */
  async #ask<W, A>(
    repo: string,
    question: (settings: GitSettings, folder: string, what: W) => Promise<A>,
    what: W,
  ): Promise<A> {
    const folder = this.#folderOf(repo);
    const giveBack = await this.#questions.take(this.#stopping.signal);
    try {
      return await question(this.#options.repositories.settings, folder, what);
    } finally {
      giveBack();
    }
  }

  /** For whoever looks on while it is made. */
  #progress(step: ArtifactStep, { estimate, bytes = 0 }: { estimate?: number; bytes?: number }) {
    const making = this.#making.get(keyOf(step));
    if (!making) return;
    const { state } = making;
    const packedBytes = state.packedBytes + bytes;
    making.state = { ...state, estimate: estimate ?? state.estimate, packedBytes };
  }

  async #make(step: ArtifactStep): Promise<KeptArtifact> {
    const { folder, random, repositories, log, now } = this.#options;
    const { signal } = this.#stopping;
    const startedAt = now();
    const estimate = await this.estimate(step);
    if (estimate !== undefined) this.#progress(step, { estimate });
    const giveBack = await this.#slots.take(signal);
    const path = join(folder, `${unfinishedPrefix}${random.hex(16)}`);
    try {
      await this.#checkRoom(step, estimate ?? 0);
      const { settings } = repositories;
      const where = { settings, folder: this.#folderOf(step.repo), step, path };
      const onBytes = (bytes: number) => this.#progress(step, { bytes });
      const hashes = await writePack({ ...where, estimate, limitMs: packMsMax, signal, onBytes });
      const { repo, commit, base } = step;
      const place = { repo, commit, ...(base !== undefined && { base }) };
      const manifest = encodeManifest({ ...place, ...hashes });
      const artifact = idOf(manifest);
      const record = { manifest, secret: random.hex(64), madeAt: now() };
      await this.#put(artifact, path, record);
      const seconds = ((now() - startedAt) / 1_000).toFixed(1);
      log.info(`${describe(step)} is packed: ${formatBytes(hashes.bytes)} in ${seconds} s`);
      return this.#keep(artifact, record, record.madeAt);
    } finally {
      giveBack();
      await rm(path, { force: true }).catch(() => undefined);
    }
  }

  /** The pack first and then its record: a pack without one is removed, at the next start when the hub is killed here. */
  async #put(artifact: string, path: string, record: ArtifactRecord): Promise<void> {
    const { folder } = this.#options;
    try {
      await rename(path, packPath(folder, artifact));
    } catch (thrown) {
      const reason = errnoOf(thrown) ?? String(thrown);
      throw new PropagitError("DATA_UNUSABLE", `${path} cannot be renamed: ${reason}`);
    }
    try {
      await writeRecord(folder, artifact, record);
    } catch (thrown) {
      await removeArtifact(folder, artifact).catch(() => undefined);
      throw thrown;
    }
  }

  /** Before git begins: a full disk would also end pushes and the ledger. */
  async #checkRoom(step: ArtifactStep, bytes: number): Promise<void> {
    const { folder, freeBytesMin = freeBytesMinDefault } = this.#options;
    const { bavail, bsize } = await statfs(folder);
    const [free, needed] = [bavail * bsize, bytes + freeBytesMin];
    if (free >= needed) return;
    throw new PropagitError(
      "DATA_UNUSABLE",
      `there is no room for the pack of ${describe(step)}: ${free} bytes are free in ${folder}, ${needed} are needed`,
    );
  }

  #keep(artifact: string, { manifest, secret, madeAt }: ArtifactRecord, usedAt: number) {
    const { folder, key } = this.#options;
    const { repo, commit, base, bytes, pieceBytes } = parseManifest(manifest);
    const kept: KeptArtifact = {
      artifact,
      repo,
      commit,
      base,
      bytes,
      pieceBytes,
      madeAt,
      usedAt,
      secret,
      manifest: { text: manifest, signature: key.sign(manifest) },
      path: packPath(folder, artifact),
    };
    this.#kept.set(artifact, kept);
    return kept;
  }

  #noteFailure(step: ArtifactStep, thrown: unknown): void {
    if (this.#stopping.signal.aborted || !(thrown instanceof PropagitError)) return;
    const now = this.#options.now();
    for (const [key, { at }] of this.#failed) if (now - at >= failedMsMax) this.#failed.delete(key);
    this.#failed.set(keyOf(step), { at: now, error: thrown });
  }

  /** @throws BAD_NAME, NO_REPO */
  #folderOf(repo: string): string {
    const { repositories } = this.#options;
    const name: RepoName = parseStoredRepoName(repo);
    if (repositories.has(name)) return repositories.folderOf(name);
    throw new PropagitError("NO_REPO", `the hub has no repository "${repo}"`);
  }
}

function keyOf({ repo, commit, base = "" }: ArtifactStep): string {
  return `${repo} ${commit} ${base}`;
}

function describe({ repo, commit, base }: ArtifactStep): string {
  const against = base === undefined ? "" : ` against ${shortCommit(base)}`;
  return `${repo} ${shortCommit(commit)}${against}`;
}
