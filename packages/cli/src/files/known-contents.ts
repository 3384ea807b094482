/**
 * What files held when they were read last, so that those which nobody touched since are not read again:
 *
 *     place -> stamp, content's name in git      same stamp: the same content, as git's own index has it
 *
 * Kept for each set of sources beside the repository of what was pushed. It may be removed, or be wrong about
 * what git still has, at any time: then everything is read again.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseJson } from "@propagit/protocol";
import { nodeDisk } from "@propagit/runtime";
import { changedAtMs, type SourceEntry } from "./source.js";

type SourceFile = Extract<SourceEntry, { kind: "file" }>;

/** A file that is changed so soon after it was read may have the same times as before; git has a second. */
const racyMs = 2_000;
/** Sets of sources; those that were pushed longest ago go. */
const setsMax = 32;
/** Where a row begins anew when a file's shape changes. */
const version = 1;

export class KnownContents {
  readonly #path: string;
  readonly #startedAt: number;
  #before: ReadonlyMap<string, readonly [stamp: string, blob: string]>;
  readonly #now = new Map<string, readonly [stamp: string, blob: string]>();

  private constructor(path: string, before: KnownContents["before"]) {
    this.#path = path;
    this.#before = before;
    this.#startedAt = Date.now();
  }

  static async open(folder: string, sources: readonly string[]): Promise<KnownContents> {
    const places = JSON.stringify(sources.map((name) => resolve(name)));
    const name = createHash("sha256").update(places).digest("hex").slice(0, 16);
    const path = join(folder, `${name}.json`);
    return new KnownContents(path, await read(path));
  }

  get before(): ReadonlyMap<string, readonly [stamp: string, blob: string]> {
    return this.#before;
  }

  /** What it holds by its name in git; undefined when it must be read. */
  blobOf(file: SourceFile): string | undefined {
    const [stamp, blob] = this.#before.get(keyOf(file)) ?? [];
    return stamp === file.stamp ? blob : undefined;
  }

  keep(file: SourceFile, blob: string): void {
    if (changedAtMs(file.stamp) > this.#startedAt - racyMs) return;
    this.#now.set(keyOf(file), [file.stamp, blob]);
  }

  /** Everything is read again. */
  forget(): void {
    this.#before = new Map();
    this.#now.clear();
  }

  /** What was read, for the next time; that it cannot be kept costs time only. */
  async save(folder: string): Promise<void> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const files = Object.fromEntries(this.#now);
      await nodeDisk.writeAtomic(this.#path, JSON.stringify({ version, files }));
      await tidy(folder);
    } catch {
      await rm(this.#path, { force: true }).catch(() => undefined);
    }
  }
}

function keyOf({ place }: SourceFile): string {
  return place.toString("latin1");
}

async function read(path: string): Promise<KnownContents["before"]> {
  const text = await readFile(path, "utf8").catch(() => "");
  const kept = (parseJson(text) ?? {}) as { version?: unknown; files?: unknown };
  const files = kept.version === version && typeof kept.files === "object" ? kept.files : {};
  const rows = new Map<string, readonly [string, string]>();
  for (const [place, row] of Object.entries(files ?? {})) {
    const [stamp, blob] = Array.isArray(row) ? (row as unknown[]) : [];
    if (typeof stamp !== "string" || typeof blob !== "string") continue;
    if (/^[0-9a-f]{40}$/.test(blob)) rows.set(place, [stamp, blob]);
  }
  return rows;
}

async function tidy(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= setsMax) return;
  const seen = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = seen.toSorted((left, right) => right.at - left.at).slice(setsMax);
  for (const { name } of old) await rm(join(folder, name), { force: true });
}
