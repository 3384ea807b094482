/** Pushes of files on a real disk, out of a real repository. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import {
  encodeFilesManifest,
  filesRepo,
  folderOf,
  PropagitError,
  type FilesEntry,
  type FilesProgress,
} from "@propagit/protocol";
import { nodeClock, nodeDisk } from "@propagit/runtime";
import { NodeDestinations } from "../../../src/system/files/destinations.js";
import { FilesRecords } from "../../../src/system/files/records.js";

const run = promisify(execFile);
const identity = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};

describe("destinations", () => {
  let folder = "";
  let repo = "";
  let target = "";
  let destinations: NodeDestinations;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "propagit-files-"));
    repo = join(folder, "repo.git");
    target = join(folder, "places", "site");
    await run("git", ["init", "--quiet", "--bare", repo]);
    destinations = await open();
  });

  afterEach(() => rm(folder, { recursive: true }));

  /** A life of a drone. */
  const open = async () =>
    new NodeDestinations({
      clock: nodeClock,
      repositories: { work: (_, action) => action(repo) },
      records: await FilesRecords.open(nodeDisk, join(folder, "data")),
      dataFolder: join(folder, "data"),
    });

  /** A commit with these files; a text that begins with `->` is a link. */
  const commit = async (files: Readonly<Record<string, string>>, mode = 0o755) => {
    const entries = new Map<string, FilesEntry>();
    const index: string[] = [];
    for (const [path, text] of Object.entries(files)) {
      for (let at = folderOf(path); at !== ""; at = folderOf(at))
        entries.set(at, { kind: "folder", path: at, mode });
      if (text.startsWith("->")) entries.set(path, { kind: "link", path, to: text.slice(2) });
      else {
        const blob = await write(text);
        entries.set(path, {
          kind: "file",
          path,
          mode: 0o644,
          bytes: Buffer.byteLength(text),
          blob,
        });
        index.push(`100644 ${blob}\tcontent/${path}`);
      }
    }
    const sorted = [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const manifest = await write(encodeFilesManifest({ head: { mode }, entries: sorted }));
    const env = {
      ...process.env,
      ...identity,
      GIT_DIR: repo,
      GIT_INDEX_FILE: join(folder, `index-${manifest}`),
    };
    const lines = [`100644 ${manifest}\tmanifest`, ...index].join("\n");
    await piped(["update-index", "--index-info"], `${lines}\n`, env);
    const tree = (await run("git", ["write-tree"], { env })).stdout.trim();
    return (await run("git", ["commit-tree", tree, "-m", "x"], { env })).stdout.trim();
  };
  const write = (text: string) =>
    piped(["hash-object", "-w", "--stdin"], text, { ...process.env, GIT_DIR: repo });

  const push = (
    hash: string,
    options: {
      replace?: boolean;
      signal?: AbortSignal;
      progress?: (it: FilesProgress) => void;
    } = {},
  ) => {
    const {
      replace = false,
      signal = new AbortController().signal,
      progress = () => undefined,
    } = options;
    const carrier = { repo: filesRepo, commit: hash };
    const request = {
      path: target,
      commit: hash,
      carrier,
      replace,
      force: false,
      dryRun: false,
      by: "ann",
    };
    return destinations.push(request, { progress, signal });
  };

  describe("in a home folder", () => {
    const userHome = process.env["HOME"];
    let home = "";

    beforeEach(async () => {
      home = join(folder, "places", "home");
      process.env["HOME"] = home;
      target = "~/";
      await mkdir(join(home, "mine"), { recursive: true });
      await writeFile(join(home, "mine", "a"), "mine");
      await writeFile(join(home, ".profile"), "mine");
    });

    afterEach(() => {
      if (userHome === undefined) delete process.env["HOME"];
      else process.env["HOME"] = userHome;
    });

    const mine = { "mine/a": "mine", ".profile": "mine" };

    it("puts each under its own name, and touches nothing else there", async () => {
      const brought = { "folder/a": "1", "folder/b": "2", file: "3" };
      const first = await push(await commit(brought));
      assert.deepEqual(await shape(home), { ...mine, ...brought });
      assert.equal(first.path, home);
      assert.deepEqual([first.changes.added, first.changes.foreign], [3, 0]);
      destinations = await open();
      const again = await push(await commit(brought));
      assert.deepEqual([again.changes.added, again.changes.changed], [0, 0]);
      // What another push to there brought stays; in a folder that is pushed again, what is left out goes.
      await push(await commit({ "folder/b": "4", other: "5" }));
      assert.deepEqual(await shape(home), { ...mine, "folder/b": "4", file: "3", other: "5" });
      const places = await destinations.status(undefined, {
        verify: true,
        signal: new AbortController().signal,
      });
      assert.deepEqual(
        places.map(({ path, state, files, foreign }) => [path, state, files, foreign]),
        [
          [home, "as-pushed", 2, 0],
          [join(home, "folder"), "as-pushed", 1, 0],
        ],
      );
    });

    it("is refused as a whole, with nothing touched, when one name is somebody else's", async () => {
      const refused = { code: "FILES_REFUSED" };
      await assert.rejects(push(await commit({ "new/a": "1", ".profile": "2" })), refused);
      await assert.rejects(push(await commit({ "new/a": "1", "mine/b": "2" })), refused);
      await assert.rejects(push(await commit({ mine: "2" }), { replace: true }), refused);
      assert.deepEqual(await shape(home), mine);
      await push(await commit({ ".profile": "2" }), { replace: true });
      assert.deepEqual(await shape(home), { ...mine, ".profile": "2" });
      target = "~/data";
      await push(await commit({ a: "1" }));
      assert.deepEqual(await shape(join(home, "data")), { a: "1" });
    });
  });

  it("turns files into folders, folders into links and back, whatever is next", async () => {
    const trees = [
      { a: "1", "b/c": "2", "b/d/e": "3", l: "->b" },
      { "a/x": "1", b: "->a", l: "2" },
      { a: "->b", "b/c": "9", "b/d": "4", "l/deep/er": "5" },
      { "b/d/e/f": "6" },
      {},
      { a: "1" },
    ];
    for (const tree of trees) {
      await push(await commit(tree));
      assert.deepEqual(await shape(target), tree);
      const [place] = await destinations.status(target, {
        verify: true,
        signal: new AbortController().signal,
      });
      assert.equal(place?.state, "as-pushed");
    }
  });

  it("writes through no folder that is closed, and leaves it closed", async () => {
    const hash = await commit({ "a/b/c": "1" }, 0o555);
    await push(hash);
    await push(await commit({ "a/b/c": "2", "a/d": "3" }, 0o555));
    assert.equal((await lstat(join(target, "a", "b"))).mode & 0o777, 0o555);
    assert.deepEqual(await shape(target), { "a/b/c": "2", "a/d": "3" });
    for (const path of ["a/b", "a", ""]) await chmod(join(target, path), 0o755);
  });

  it("given up while it writes has touched nothing", async () => {
    await push(await commit({ a: "old", b: "old" }));
    const next = await commit({ a: "new", b: "new", c: "new" });
    const stop = new AbortController();
    const progress = ({ phase, done }: FilesProgress) => {
      if (phase === "writing" && done === 2) stop.abort(new Error("given up"));
    };
    await assert.rejects(push(next, { signal: stop.signal, progress }), /given up/);
    assert.deepEqual(await shape(target), { a: "old", b: "old" });
    const [place] = await destinations.status(undefined, {
      verify: true,
      signal: new AbortController().signal,
    });
    assert.equal(place?.state, "as-pushed");
  });

  it("leaves nothing of a new destination that could not be written", async () => {
    const hash = await commit({ a: "1" });
    const blob = createHash("sha1").update("blob 1\0").update("1").digest("hex");
    await rm(join(repo, "objects", blob.slice(0, 2), blob.slice(2)));
    await assert.rejects(
      push(hash),
      (error) => error instanceof PropagitError && error.code === "DATA_UNUSABLE",
    );
    await assert.rejects(lstat(target), { code: "ENOENT" });
  });

  it("cut off in the middle is half, known as such in the next life, and finished by the same push", async () => {
    await push(await commit({ a: "old", b: "old", gone: "old" }));
    const next = await commit({ a: "new", b: "new", c: "new" });
    await assert.rejects(
      push(next, {
        progress: ({ phase, done }) => {
          if (phase === "placing" && done === 1) throw new Error("the power went");
        },
      }),
    );
    assert.deepEqual(await shape(target, [".propagit-files"]), { a: "new", b: "old", gone: "old" });
    destinations = await open();
    const signal = new AbortController().signal;
    assert.equal((await destinations.status(target, { verify: false, signal }))[0]?.state, "half");
    assert.deepEqual(destinations.inUse, [{ repo: filesRepo, commit: next }]);
    const { changes } = await push(next);
    assert.deepEqual(
      [changes.changed, changes.added, changes.removed, changes.unchanged],
      [1, 1, 1, 1],
    );
    assert.deepEqual(await shape(target), { a: "new", b: "new", c: "new" });
  });

  it("notices what changed without another size, by its times", async () => {
    const hash = await commit({ a: "one", b: "two" });
    await push(hash);
    assert.equal((await push(hash)).changes.unchanged, 2);
    await writeFile(join(target, "a"), "ONE");
    const { changes, examples } = await push(hash);
    assert.deepEqual([changes.changed, examples], [1, [{ what: "change", path: "a" }]]);
    assert.deepEqual(await shape(target), { a: "one", b: "two" });
  });

  it("keeps what others have in a folder that is no longer pushed, and removes it when they have left", async () => {
    await push(await commit({ "logs/a": "1", b: "1" }));
    await writeFile(join(target, "logs", "app.log"), "x");
    const next = await commit({ b: "1" });
    await push(next);
    assert.deepEqual(await shape(target), { b: "1", "logs/app.log": "x" });
    await rm(join(target, "logs", "app.log"));
    await push(next);
    assert.deepEqual(await readdir(target), ["b"]);
  });

  it("does not follow a link that lies where it writes its new files", async () => {
    const trap = join(folder, "trap");
    await mkdir(trap);
    await writeFile(join(trap, "precious"), "1");
    await push(await commit({ a: "1" }));
    await symlink(trap, join(target, ".propagit-files"));
    await push(await commit({ a: "2" }));
    assert.deepEqual(await readdir(trap), ["precious"]);
    assert.deepEqual(await shape(target), { a: "2" });
  });

  it("without its record takes nothing for its own", async () => {
    const hash = await commit({ a: "1" });
    await push(hash);
    await rm(join(folder, "data"), { recursive: true });
    destinations = await open();
    await assert.rejects(push(hash), { code: "FILES_REFUSED" });
    await push(hash, { replace: true });
    assert.deepEqual(await shape(target), { a: "1" });
  });
});

/** Files and links below a folder, by path. */
async function shape(
  folder: string,
  skipped: readonly string[] = [],
): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: [string, string][] = [];
  for (const entry of entries) {
    const place = join(entry.parentPath, entry.name);
    const path = place.slice(folder.length + 1);
    if (skipped.some((one) => path.startsWith(one))) continue;
    if (entry.isFile()) found.push([path, await readFile(place, "utf8")]);
    if (entry.isSymbolicLink()) {
      const { stdout } = await run("readlink", [place]);
      found.push([path, `->${stdout.trim()}`]);
    }
  }
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function piped(
  args: readonly string[],
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const running = run("git", args, { env, cwd: dirname(env["GIT_DIR"] ?? "/") });
  running.child.stdin?.end(input);
  return (await running).stdout.trim();
}
