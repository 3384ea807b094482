/** What is brought to hosts, packed on this machine: the program of this very version, and Nodes. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { PropagitError, quote } from "@propagit/protocol";
import { propagitProgramFile } from "../program-files.js";
import { version } from "../version.js";
import { tarOf, type TarEntry } from "./tar.js";

export interface Archive {
  /** Of the folder that it becomes: the version, and what it is made of. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly sum: string;
}

export interface ProgramArchive extends Archive {
  /** SHA-256 of its list of sums. */
  readonly sumsSum: string;
}

/**
 * What the bundle loads from beside it on a machine with a drone: terminals (`propagit run`), and the compiler for
 * `propagit.config.ts`. `libsql` is a hub's, on old versions of Node.
 */
const modules = ["@lydell/node-pty", "jiti"];

const sumsFile = "SHA256SUMS";
const packed = promisify(gzip);

/** @throws NOT_BUILT… when there is no bundle */
export async function programArchive(): Promise<ProgramArchive> {
  const root = resolve(dirname(propagitProgramFile), "..");
  const own = ["bin", "dist/bundle", "package.json"].map((path) => filesBelow(root, path));
  const schemas = ["dist/plan.schema.json", "dist/propagit.schema.json"]
    .filter((path) => existsSync(join(root, path)))
    .map((path) => filesBelow(root, path));
  const found = await Promise.all([...own, ...schemas, ...moduleFiles(root)]);
  const entries = [...found.flat(), programOf("bin/propagit", startScript)];
  const sums = sumsOf(entries);
  const sumsSum = sha256(sums);
  const name = `${version}-${sumsSum.slice(0, 12)}`;
  const all = [...entries, { path: sumsFile, content: fileOf(Buffer.from(sums), false) }];
  const bytes = await packed(tarOf(name, all));
  return { name, bytes, sum: sha256(bytes), sumsSum };
}

/** For people: with the Node that it was set up with. */
const startScript = `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
exec "\${here%/*/*}/node/bin/node" "$here/propagit.js" "$@"
`;

/** The Node that runs this process. */
export async function ownNodeArchive(): Promise<Archive> {
  const bytes = await readFile(process.execPath);
  const entry = { path: "bin/node", content: fileOf(bytes, true) };
  return nodeArchive(`node-${process.version.slice(1)}`, [entry]);
}

/** A Node that the user has as a folder. @throws BAD_USAGE */
export async function folderArchive(folder: string): Promise<Archive> {
  const program = join(folder, "bin/node");
  if (!existsSync(program)) {
    throw new PropagitError("BAD_USAGE", `--node: there is no bin/node in ${quote(folder)}`);
  }
  return nodeArchive("node-given", await filesBelow(folder, "."));
}

/** At the fastest level: 100 MB are packed in a second or two, to a third. */
async function nodeArchive(prefix: string, entries: readonly TarEntry[]): Promise<Archive> {
  const tar = tarOf("node", entries);
  const name = `${prefix}-${sha256(tar).slice(0, 12)}`;
  const bytes = await packed(tar, { level: 1 });
  return { name, bytes, sum: sha256(bytes) };
}

/** An archive that the user has as a file. @throws BAD_USAGE */
export async function fileArchive(file: string): Promise<Archive> {
  const bytes = await readFile(file);
  const sum = sha256(bytes);
  return { name: `node-given-${sum.slice(0, 12)}`, bytes, sum };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function filesBelow(root: string, path: string, as = path): Promise<readonly TarEntry[]> {
  const place = join(root, path);
  const { mode } = await stat(place);
  const names = await readdir(place, { withFileTypes: true }).catch(() => undefined);
  if (!names) return [{ path: as, content: fileOf(await readFile(place), (mode & 0o100) !== 0) }];
  const found = await Promise.all(
    names.map(async (entry): Promise<readonly TarEntry[]> => {
      const [own, name] = [join(path, entry.name), as === "." ? entry.name : `${as}/${entry.name}`];
      if (!entry.isSymbolicLink()) return filesBelow(root, own, name);
      return [{ path: name, content: { kind: "link", to: await readlink(join(root, own)) } }];
    }),
  );
  return found.flat();
}

/** With what they need for whatever machine it is that is installed here; elsewhere they say that it is missing. */
function moduleFiles(root: string): readonly Promise<readonly TarEntry[]>[] {
  return withOptional(root, modules).map(([name, folder]) =>
    filesBelow(folder, ".", `node_modules/${name}`),
  );
}

function withOptional(from: string, names: readonly string[]): readonly [string, string][] {
  return names.flatMap((name): [string, string][] => {
    const folder = folderOfModule(from, name);
    if (folder === undefined) return [];
    const { optionalDependencies = {} } = createRequire(join(folder, "package.json"))(
      "./package.json",
    ) as { readonly optionalDependencies?: Readonly<Record<string, string>> };
    return [[name, folder], ...withOptional(folder, Object.keys(optionalDependencies))];
  });
}

function folderOfModule(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return place;
    if (dirname(folder) === folder) return undefined;
  }
}

function sumsOf(entries: readonly TarEntry[]): string {
  return entries
    .toSorted((left, right) => (left.path < right.path ? -1 : 1))
    .flatMap(({ path, content }) =>
      content.kind === "file" ? [`${sha256(content.bytes)}  ${path}\n`] : [],
    )
    .join("");
}

function programOf(path: string, text: string): TarEntry {
  return { path, content: fileOf(Buffer.from(text), true) };
}

function fileOf(bytes: Uint8Array, isProgram: boolean): TarEntry["content"] {
  return { kind: "file", bytes, isProgram };
}
