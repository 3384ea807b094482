/**
 * Certificates from files, read again when they change.
 *
 *     look ── nothing new ──────────────────────────────> look
 *       \──── changed ── good ──> used, told, said
 *                  \──── wrong: the old one stays ──> still wrong at the next look: said once
 *
 * It is looked at sizes and times rather than watched: that also sees files that are replaced, links that
 * lead elsewhere, and network file systems.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import {
  errnoOf,
  readCertificatePair,
  type CertificatePair,
  type Clock,
  type Log,
  type Timer,
} from "@propagit/runtime";
import { pairFiles, type FilePair } from "./certificates-pairs.js";

/** Where certificates are. */
export interface CertificateFilesOptions {
  readonly pairs: readonly NamedPair[];
  readonly folder?: string;
}

export interface NamedPair extends FilePair {
  /** Hosts it is for; empty: those that it names itself. `*`: those that have no other. */
  readonly hosts: readonly string[];
}

export interface FileCertificate extends CertificatePair {
  readonly isFallback: boolean;
}

interface Kept {
  /** Of both files, as they were when they were last read. */
  stamp: string;
  good: FileCertificate | undefined;
  problem: string | undefined;
  /** What was last said of it. */
  said: string | undefined;
  /** Other than at the last look. */
  isNew: boolean;
  /** It was not in its folder at the last look; gone for good at the second one. */
  isMissing: boolean;
}

/** Between looks; with thousands of files longer, so that it stays below a hundredth of the time. */
const lookMs = { least: 2_000, perFile: 5 } as const;
/** Said from then on, once a day. */
const endsSoonMs = 7 * 86_400_000;
const sayAgainMs = 86_400_000;
/** Authorities put a hundred names into one certificate. */
const namesSaidMax = 5;

export class CertificateFiles {
  readonly #world: { readonly clock: Clock; readonly log: Log };
  readonly #options: CertificateFilesOptions;
  readonly #changed: () => void;
  readonly #kept = new Map<string, Kept>();
  #timer: Timer | undefined;
  #isStopped = false;
  #looking: Promise<void> = Promise.resolve();
  #saidEndsAt = Number.NEGATIVE_INFINITY;
  #saidOfFolder: string | undefined;

  /** @param changed called when something else is to be shown than before */
  constructor(
    world: { readonly clock: Clock; readonly log: Log },
    options: CertificateFilesOptions,
    changed: () => void,
  ) {
    this.#world = world;
    this.#options = options;
    this.#changed = changed;
  }

  /**
   * Reads all for the first time, and looks at them from now on.
   *
   * @throws BAD_CERTIFICATE for a file that was named, or a folder that cannot be read; of a folder's files the
   *   wrong ones are only said
   */
  async load(): Promise<void> {
    const { folder } = this.#options;
    if (folder !== undefined) await assertReadable(folder);
    await this.#look();
    for (const pair of this.#options.pairs) {
      const { problem } = this.#kept.get(keyOf(pair)) ?? {};
      if (problem !== undefined) throw new PropagitError("BAD_CERTIFICATE", problem);
    }
    this.#say();
    this.#lookLater();
  }

  /** Those that were named come first. */
  get certificates(): readonly FileCertificate[] {
    return [...this.#kept.values()].flatMap(({ good }) => good ?? []);
  }

  /** Resolves when the look that is under way is over. */
  settled(): Promise<void> {
    return this.#looking;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#isStopped) return;
    const waitMs = Math.max(lookMs.least, this.#kept.size * lookMs.perFile);
    this.#timer = this.#world.clock.after(waitMs, () => {
      this.#looking = this.#lookAgain();
    });
  }

  async #lookAgain(): Promise<void> {
    const problems = new Map([...this.#kept].map(([key, { problem }]) => [key, problem]));
    for (const kept of this.#kept.values()) kept.isNew = false;
    const isChanged = await this.#look();
    this.#sayNew();
    // What is being written is wrong for a moment, and not worth a word.
    this.#say((key, problem) => problems.get(key) === problem);
    if (isChanged && !this.#isStopped) this.#changed();
    this.#lookLater();
  }

  /** @returns whether other certificates are good than before */
  async #look(): Promise<boolean> {
    const pairs = [...this.#options.pairs, ...(await this.#pairsOfFolder())];
    const keys = new Set(pairs.map(keyOf));
    let isChanged = false;
    for (const [key, kept] of this.#kept) {
      const isMissing = !keys.has(key);
      // Whoever replaces a file by removing it first needs a moment.
      if (isMissing && kept.isMissing) {
        isChanged = kept.good !== undefined || isChanged;
        this.#kept.delete(key);
        if (kept.good) this.#world.log.info(`${nameOf(key)} is gone, and shown no more`);
      }
      kept.isMissing = isMissing;
    }
    for (const pair of pairs) isChanged = (await this.#read(pair)) || isChanged;
    return isChanged;
  }

  async #pairsOfFolder(): Promise<readonly NamedPair[]> {
    const { folder } = this.#options;
    if (folder === undefined) return [];
    try {
      const pairs = pairFiles(await filesIn(folder));
      this.#saidOfFolder = undefined;
      return pairs.map(({ certificate, key }) => ({
        certificate: join(folder, certificate),
        key: join(folder, key),
        hosts: [],
      }));
    } catch (thrown) {
      const problem = `certificates of ${folder} cannot be read: ${errnoOf(thrown) ?? String(thrown)}`;
      if (problem !== this.#saidOfFolder) this.#world.log.warn(`${problem}; keeps those it has`);
      this.#saidOfFolder = problem;
      return this.#namedInFolder(folder);
    }
  }

  /** Those that are known of a folder that cannot be read for a moment. */
  #namedInFolder(folder: string): readonly NamedPair[] {
    const named = new Set(this.#options.pairs.map(keyOf));
    return [...this.#kept.keys()]
      .filter((key) => !named.has(key) && key.startsWith(folder))
      .map((key) => {
        const [certificate = "", itsKey = ""] = key.split("\n");
        return { certificate, key: itsKey, hosts: [] };
      });
  }

  async #read(pair: NamedPair): Promise<boolean> {
    const key = keyOf(pair);
    const kept = this.#kept.get(key) ?? newKept();
    this.#kept.set(key, kept);
    try {
      const stamp = `${await stampOf(pair.certificate)} ${await stampOf(pair.key)}`;
      if (stamp === kept.stamp) return false;
      const good = goodPair(pair, await textOf(pair.certificate), await textOf(pair.key));
      const isNew = good.certificate !== kept.good?.certificate || good.key !== kept.good.key;
      Object.assign(kept, { stamp, good, problem: undefined, said: undefined, isNew });
      return isNew;
    } catch (thrown) {
      // Read again at each look until it is good: its files may not be there at the same time.
      kept.stamp = "";
      kept.problem = `certificate ${pair.certificate}: ${toPropagitError(thrown).message}`;
      return false;
    }
  }

  /** Whoever replaced a file wants to see that it was taken. */
  #sayNew(): void {
    for (const [key, { good, isNew }] of this.#kept) {
      if (!good || !isNew) continue;
      const what = `for ${hostsOf(good)}, until ${dayOf(good.notAfter)}`;
      this.#world.log.info(`${nameOf(key)} is shown from now on: ${what}`);
    }
  }

  #say(isLasting: (key: string, problem: string) => boolean = () => true): void {
    const { clock, log } = this.#world;
    for (const [key, kept] of this.#kept) {
      const { good, problem, said } = kept;
      if (problem === undefined || problem === said || !isLasting(key, problem)) continue;
      kept.said = problem;
      log.warn(good ? `${problem}; goes on with the one before` : problem);
    }
    if (clock.monotonic() < this.#saidEndsAt + sayAgainMs) return;
    const ending = this.certificates.filter(({ notAfter }) => notAfter < clock.now() + endsSoonMs);
    if (ending.length > 0) this.#saidEndsAt = clock.monotonic();
    for (const { names, notAfter } of ending) {
      const verb = notAfter <= clock.now() ? "is over since" : "ends on";
      log.warn(`the certificate of ${names[0] ?? "all other hosts"} ${verb} ${dayOf(notAfter)}`);
    }
  }
}

function goodPair({ hosts }: NamedPair, certificate: string, key: string): FileCertificate {
  const read = readCertificatePair(certificate, key);
  const wanted = hosts.filter((host) => host !== "*");
  const strange = wanted.find((host) => !isNamed(read.names, host));
  if (strange !== undefined) {
    const names = read.names.join(", ");
    throw new PropagitError("BAD_CERTIFICATE", `it is for ${names}, and not for ${strange}`);
  }
  const names = wanted.length > 0 ? wanted : hosts.length > 0 ? [] : read.names;
  return { ...read, names, isFallback: hosts.includes("*") };
}

/** Whether a certificate is good for a host: by its name, or a wildcard for one label. */
function isNamed(names: readonly string[], host: string): boolean {
  return names.includes(host) || names.includes(`*${host.slice(host.indexOf("."))}`);
}

/** A folder that was named must be there, as a file must. @throws BAD_CERTIFICATE */
async function assertReadable(folder: string): Promise<void> {
  try {
    await readdir(folder);
  } catch (thrown) {
    const why = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_CERTIFICATE", `the folder ${folder} cannot be read: ${why}`, {
      hint: "--certificates names a folder that is there; it may be empty",
      cause: thrown,
    });
  }
}

/** Paths below it; of folders in it what is in them. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const isFolder =
      entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(folder, entry.name)));
    if (!isFolder) files.push(entry.name);
    else
      files.push(
        ...(await readdir(join(folder, entry.name))).map((name) => `${entry.name}/${name}`),
      );
  }
  return files;
}

async function isFolderAt(folder: string, name: string): Promise<boolean> {
  return stat(join(folder, name)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function unreadable(path: string, cause: unknown): PropagitError {
  const reason = errnoOf(cause) ?? String(cause);
  return new PropagitError("BAD_CERTIFICATE", `${path} cannot be read: ${reason}`, { cause });
}

function keyOf({ certificate, key }: FilePair): string {
  return `${certificate}\n${key}`;
}

/** As messages call what is kept at a key. */
function nameOf(key: string): string {
  return `certificate ${key.slice(0, key.indexOf("\n"))}`;
}

function hostsOf({ names }: FileCertificate): string {
  if (names.length === 0) return "all other hosts";
  const more = names.length - namesSaidMax;
  const said = names.slice(0, namesSaidMax).join(", ");
  return more > 0 ? `${said} and ${more} more` : said;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function newKept(): Kept {
  const nothing = { good: undefined, problem: undefined, said: undefined };
  return { stamp: "", ...nothing, isNew: false, isMissing: false };
}
