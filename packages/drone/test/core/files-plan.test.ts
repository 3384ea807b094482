import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FilesEntry } from "@propagit/protocol";
import fc from "fast-check";
import {
  doubtfulFiles,
  foreignPaths,
  planFiles,
  type FilesSight,
  type Found,
} from "../../src/core/files-plan.js";
import type { OwnedEntry } from "../../src/core/files-record.js";

const [one, two] = ["1".repeat(40), "2".repeat(40)];
const rights = { uid: 0, gid: 0 };
const file = (path: string, blob = one): FilesEntry => ({
  kind: "file",
  path,
  mode: 0o644,
  bytes: 3,
  blob,
});
const folder = (path: string): FilesEntry => ({ kind: "folder", path, mode: 0o755 });
const link = (path: string, to = "x"): FilesEntry => ({ kind: "link", path, to });
const foundFile: Found = { kind: "file", bytes: 3, mode: 0o644, stamp: "s", ...rights };
const foundFolder: Found = { kind: "folder", mode: 0o755, ...rights };
const foundLink: Found = { kind: "link", mode: 0o777, to: "x", ...rights };

function sight(
  change: Partial<Omit<FilesSight, "owned" | "found">> & {
    owned?: readonly FilesEntry[];
    found?: Readonly<Record<string, Found>>;
  },
): FilesSight {
  const owned = (change.owned ?? []).map((entry): [string, OwnedEntry] => [
    entry.path,
    { entry, stamp: "s" },
  ]);
  return {
    wanted: [],
    owner: {},
    replace: false,
    ...change,
    owned: new Map(owned),
    found: new Map(Object.entries(change.found ?? {})),
  };
}

const plan = (change: Parameters<typeof sight>[0], hashes: Readonly<Record<string, string>> = {}) =>
  planFiles(sight(change), new Map(Object.entries(hashes)));
const untouched = { aside: [], folders: [], staged: [], removed: [] };

describe("a plan of files", () => {
  it("leaves alone what is there, by its stamp or by its content", () => {
    const wanted = [folder("a"), file("a/b"), link("a/c")];
    const found = { a: foundFolder, "a/b": foundFile, "a/c": foundLink };
    const { counts, examples, ...rest } = plan({ wanted, owned: wanted, found });
    assert.deepEqual(rest, untouched);
    assert.deepEqual(counts, { added: 0, changed: 0, removed: 0, unchanged: 3, bytes: 0 });
    assert.deepEqual(examples, []);
    const unknown = { wanted, found };
    assert.deepEqual(doubtfulFiles(sight(unknown)), ["a/b"]);
    assert.deepEqual(plan(unknown, { "a/b": one }).staged, []);
  });

  it("asks for no content of files that differ by their size, or are known", () => {
    const wanted = [file("a"), file("b")];
    const found = { a: { ...foundFile, bytes: 4 }, b: foundFile } as const;
    assert.deepEqual(doubtfulFiles(sight({ wanted, found, owned: [file("b")] })), []);
  });

  it("brings what is missing and what differs in content, mode, owner or target", () => {
    const wanted = [file("a", two), file("b"), file("c"), link("l", "y"), folder("f"), file("new")];
    const found = {
      a: foundFile,
      b: { ...foundFile, mode: 0o600 },
      c: { ...foundFile, uid: 5 },
      l: foundLink,
      f: { ...foundFolder, mode: 0o700 },
    } as const;
    const owned = [file("a"), file("b"), file("c"), link("l"), folder("f")];
    const made = plan({ wanted, owned, found, owner: { uid: 0 } });
    assert.deepEqual(
      made.staged.map(({ path }) => path),
      ["a", "b", "c", "l", "new"],
    );
    assert.deepEqual(made.folders, [folder("f")]);
    assert.deepEqual(made.counts, { added: 1, changed: 5, removed: 0, unchanged: 0, bytes: 12 });
  });

  it("removes what a former push brought, the deepest first, and nothing else", () => {
    const owned = [folder("a"), file("a/b"), folder("a/c"), file("kept")];
    const found = {
      a: foundFolder,
      "a/b": foundFile,
      "a/c": foundFolder,
      "a/log": foundFile,
      kept: foundFile,
    };
    const { removed } = plan({ wanted: [file("kept")], owned, found });
    assert.deepEqual(
      removed.map(({ path }) => path),
      ["a/c", "a/b", "a"],
    );
  });

  it("is refused when something of somebody else's is in the way", () => {
    const cases: readonly (readonly [
      FilesEntry,
      Readonly<Record<string, Found>>,
      readonly FilesEntry[],
    ])[] = [
      [file("a", two), { a: foundFile }, []],
      [file("a"), { a: foundFolder }, []],
      [folder("a"), { a: foundFile }, []],
      // A link in the place of a folder that a push made: never followed, nor thrown away unasked.
      [folder("a"), { a: foundLink }, [folder("a")]],
      [file("a"), { a: { kind: "other" } }, []],
      [file("a"), { a: foundFolder, "a/log": foundFile }, [folder("a")]],
    ];
    for (const [entry, found, owned] of cases) {
      const what = { wanted: [entry], found, owned };
      assert.throws(() => plan(what), { code: "FILES_REFUSED" });
      assert.ok(plan({ ...what, replace: true }).counts.changed === 1);
    }
  });

  it("takes over what is foreign and just as it should be", () => {
    const found = { a: foundFolder, "a/b": foundFile };
    assert.equal(
      plan({ wanted: [folder("a"), file("a/b")], found }, { "a/b": one }).counts.unchanged,
      2,
    );
  });

  it("moves a folder aside that becomes a file, with all that is in it", () => {
    const owned = [folder("a"), file("a/b")];
    const made = plan({ wanted: [file("a")], owned, found: { a: foundFolder, "a/b": foundFile } });
    assert.deepEqual([made.aside, made.removed], [["a"], []]);
    const back = plan({ wanted: owned, owned: [file("a")], found: { a: foundFile } });
    assert.deepEqual(back.aside, ["a"]);
    assert.deepEqual(
      back.staged.map(({ path }) => path),
      ["a/b"],
    );
  });

  it("with replace removes everything else", () => {
    const found = { a: foundFile, log: foundFile, dir: foundFolder } as const;
    const what = { wanted: [file("a")], owned: [file("a")], found, replace: true };
    assert.deepEqual(
      plan(what).removed.map(({ path, kind }) => [path, kind]),
      [
        ["dir", "foreign"],
        ["log", "foreign"],
      ],
    );
    assert.deepEqual(foreignPaths(sight(what)), ["log", "dir"]);
  });

  it("opens folders that their owner may not write in, and counts them as they are", () => {
    const closed: FilesEntry = { kind: "folder", path: "a", mode: 0o500 };
    const found = { a: { ...foundFolder, mode: 0o500 } };
    const made = plan({ wanted: [closed, file("a/b")], owned: [closed], found });
    assert.deepEqual(made.folders, [closed]);
    assert.equal(made.counts.unchanged, 1);
  });

  it("carried out leaves exactly what is wanted, whatever was there", () => {
    const names = ["a", "b", "a/x", "a/y", "b/x"];
    const trees = fc
      .uniqueArray(fc.constantFrom(...names), { minLength: 0, maxLength: 5 })
      .chain((paths) => fc.tuple(fc.constant(paths), fc.infiniteStream(fc.constantFrom(one, two))))
      .map(([paths, blobs]) => treeOf(paths, () => blobs.next().value as string));
    fc.assert(
      fc.property(trees, trees, trees, (wanted, owned, extra) => {
        const found = new Map<string, FilesEntry>();
        for (const entry of [...owned, ...extra]) {
          if (!conflicts(found, entry)) found.set(entry.path, entry);
        }
        const seen = Object.fromEntries(
          [...found]
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([path, { kind }]) => [
              path,
              kind === "folder" ? foundFolder : { ...foundFile, stamp: "?" },
            ]),
        );
        const hashes = Object.fromEntries(
          [...found].flatMap(([path, it]) => (it.kind === "file" ? [[path, it.blob]] : [])),
        );
        const made = plan({ wanted, owned, found: seen, replace: true }, hashes);
        assert.deepEqual(carriedOut(found, made), shape(wanted));
      }),
    );
  });
});

/** Files at these paths, with the folders that they are in; a file that would be a folder is one. */
function treeOf(paths: readonly string[], blob: () => string): readonly FilesEntry[] {
  const folders = new Set(paths.flatMap((path) => (path.includes("/") ? [path.slice(0, 1)] : [])));
  const files = paths.filter((path) => !folders.has(path)).map((path) => file(path, blob()));
  return [...[...folders].map(folder), ...files].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function conflicts(tree: ReadonlyMap<string, FilesEntry>, { path, kind }: FilesEntry): boolean {
  const parent = path.includes("/") ? tree.get(path.slice(0, 1)) : undefined;
  return (
    tree.has(path) ||
    (path.includes("/") && parent?.kind !== "folder") ||
    (kind === "file" && tree.has(path))
  );
}

function carriedOut(
  found: ReadonlyMap<string, FilesEntry>,
  made: ReturnType<typeof planFiles>,
): Readonly<Record<string, string>> {
  const tree = new Map(found);
  const drop = (path: string) => {
    for (const one of tree.keys()) if (one === path || one.startsWith(`${path}/`)) tree.delete(one);
  };
  made.aside.forEach(drop);
  for (const entry of [...made.folders, ...made.staged]) tree.set(entry.path, entry);
  for (const { path, kind } of made.removed) {
    const isEmpty = ![...tree.keys()].some((one) => one.startsWith(`${path}/`));
    if (kind !== "folder" || isEmpty) drop(path);
  }
  return shape([...tree.values()]);
}

function shape(entries: readonly FilesEntry[]): Readonly<Record<string, string>> {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return Object.fromEntries(sorted.map((it) => [it.path, it.kind === "file" ? it.blob : it.kind]));
}
