/**
 * What was pushed from here, for each hub: `~/.propagit/files/<host>-<port>.git`. With it only what is new goes
 * to the hub. It may be removed at any time; then everything goes there once more.
 *
 *     pushed.git   refs/pushed/<hash of the destination>     the last push for each
 *     known        what files held when they were read last
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  filesIdentity,
  filesRefs,
  filesRepo,
  formatAddress,
  PropagitError,
  toPropagitError,
  type Address,
} from "@propagit/protocol";
import { git, passwordSettings, type GitRun } from "@propagit/drone";
import { lockFolder, nodeClock, sleep, type FolderLock } from "@propagit/runtime";
import { dataFolderOf } from "../folders.js";
import { importStream, type ImportRequest } from "./import.js";
import { KnownContents } from "./known-contents.js";

/** Reading and packing of many gigabytes, and bringing them over a slow line. */
const workMsMax = 6 * 60 * 60_000;
/** Each push makes a pack; with so many they are made one. As git itself has it. */
const packsMax = 50;
/** How long another push from here is waited for, and how often it is looked for. */
const [lockMsMax, lockAgainMs] = [30 * 60_000, 100];

export interface HubPlace {
  readonly hub: Address;
  readonly secret: string | undefined;
}

export class PushedFiles {
  readonly #folder: string;
  readonly #knownFolder: string;
  readonly #place: HubPlace;

  private constructor(folder: string, place: HubPlace) {
    this.#folder = join(folder, "pushed.git");
    this.#knownFolder = join(folder, "known");
    this.#place = place;
  }

  /** Works in the repository of a hub, in which nobody else does meanwhile. @throws DATA_IN_USE, NO_GIT */
  static async use<T>(place: HubPlace, work: (pushed: PushedFiles) => Promise<T>): Promise<T> {
    const name = formatAddress(place.hub).replaceAll(/[^A-Za-z0-9.]/g, "-");
    const folder = join(dataFolderOf("files"), name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await lockInTurn(folder);
    try {
      const pushed = new PushedFiles(folder, place);
      await pushed.#open();
      return await work(pushed);
    } finally {
      await lock.release();
    }
  }

  /** Reads the files of some sources; the commit that holds them, the same whenever they are the same. */
  async import(sources: readonly string[], request: Omit<ImportRequest, "known">): Promise<string> {
    const known = await KnownContents.open(this.#knownFolder, sources);
    const commit = await this.#import({ ...request, known }).catch((thrown: unknown) => {
      // A content that git has no more, as somebody cleaned up.
      if (known.before.size === 0 || toPropagitError(thrown).code !== "FILES_FAILED") throw thrown;
      known.forget();
      return this.#import({ ...request, known });
    });
    // Otherwise git has not got what was read.
    if (!request.manifestOnly) await known.save(this.#knownFolder);
    return commit;
  }

  async #import(request: ImportRequest): Promise<string> {
    const ref = `refs/import/${randomBytes(8).toString("hex")}`;
    const args = ["fast-import", "--quiet", "--done", "--force", "--depth=0"];
    try {
      const input = importStream(ref, request);
      const output = await this.#git(args, { input, limitMs: workMsMax });
      return output.trim();
    } finally {
      await this.#git(["update-ref", "-d", ref]).catch(() => undefined);
    }
  }

  /** Brings a commit to the hub: what is not in the last push for that destination. @throws DENIED, … */
  async send(commit: string, destination: string): Promise<void> {
    const { hub, secret } = this.#place;
    const last = `refs/pushed/${createHash("sha256").update(destination).digest("hex").slice(0, 16)}`;
    const carrier = await this.#carrier(commit, last);
    const seconds = Math.floor(Date.now() / 1_000);
    const url = `http://${formatAddress(hub)}/${filesRepo}`;
    await this.#git(["push", "--quiet", url, `${carrier}:${filesRefs}/${seconds}-${carrier}`], {
      settings: passwordSettings(secret ?? ""),
      limitMs: workMsMax,
    });
    await this.#git(["update-ref", last, commit]);
  }

  /** Among whose parents is what the hub has: only with it git knows what need not be sent. */
  async #carrier(commit: string, last: string): Promise<string> {
    const base = await this.#git(["rev-parse", "--quiet", "--verify", last]).then(
      (text) => text.trim(),
      () => undefined,
    );
    if (base === undefined || base === commit) return commit;
    const args = ["commit-tree", `${commit}^{tree}`, "-p", commit, "-p", base, "-m", "Files"];
    return (await this.#git(args, { environment: filesIdentity })).trim();
  }

  async #open(): Promise<void> {
    const isWhole = await this.#git(["rev-parse", "--git-dir"]).then(
      () => true,
      () => false,
    );
    if (!isWhole) {
      await rm(this.#folder, { recursive: true, force: true });
      await mkdir(this.#folder, { recursive: true });
      await this.#git(["init", "--quiet", "--bare", "--template=", "--object-format=sha1", "."]);
    }
    const packs = await readdir(join(this.#folder, "objects", "pack")).catch(() => []);
    if (packs.filter((name) => name.endsWith(".pack")).length < packsMax) return;
    await this.#git(["gc", "--quiet", "--prune=now"], { limitMs: workMsMax });
  }

  #git(args: readonly string[], run: Omit<GitRun, "folder"> = {}): Promise<string> {
    return git(args, { folder: this.#folder, ...run }).catch((thrown: unknown) => {
      throw readable(thrown);
    });
  }
}

/** Another push to the same hub, of this user, is waited for. @throws DATA_IN_USE when it takes too long */
async function lockInTurn(folder: string): Promise<FolderLock> {
  const end = nodeClock.monotonic() + lockMsMax;
  for (;;) {
    try {
      return await lockFolder(folder);
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "DATA_IN_USE" || nodeClock.monotonic() > end)
        throw thrown;
    }
    await sleep(nodeClock, lockAgainMs);
  }
}

/** What git says of a hub that does not let us in, as the catalogue has it. */
function readable(thrown: unknown): unknown {
  if (!(thrown instanceof PropagitError) || thrown.code !== "INTERNAL") return thrown;
  const { message } = thrown;
  if (/Authentication failed|could not read Username|401/.test(message)) {
    return new PropagitError("DENIED", "the hub does not take the secret", { cause: thrown });
  }
  if (/Could not resolve|Failed to connect|unable to access/i.test(message)) {
    return new PropagitError("UNREACHABLE", message, { cause: thrown });
  }
  return new PropagitError("FILES_FAILED", message, { cause: thrown });
}
