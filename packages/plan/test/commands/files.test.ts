/** Commands on files: names that shells stumble over, what is guarded, what is in the way. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { argsOf } from "../../src/index.js";
import { temporaryFolder, tinyDisk } from "../support/folders.js";
import { carryOut, commandOf, noMeans, outcomeOf } from "../support/tool-box.js";

const refusal = (message: RegExp) => ({ code: "TASK_REFUSED", message });
const failure = (message: RegExp) => ({ code: "TASK_FAILED", message });
const badPlan = (message: RegExp) => ({ code: "BAD_PLAN", message });
const text = (...path: string[]) => readFile(join(...path), "utf8");

/** Names as nobody should give them, and somebody does. */
const hostileName = fc
  .string({
    unit: fc.constantFrom(...Array.from("ab -'\"\\$`*?[]~#;&|<>(){}!\n\t.é💥%")),
    minLength: 1,
    maxLength: 20,
  })
  .filter((name) => name !== "." && name !== ".." && Buffer.byteLength(name) < 200);
const someNames = fc.uniqueArray(hostileName, { minLength: 6, maxLength: 6 });

async function twice(name: string, args: Readonly<Record<string, unknown>>): Promise<void> {
  assert.equal(await outcomeOf(name, args), "done", `${name} ${JSON.stringify(args)}`);
  assert.equal(await outcomeOf(name, args), "unchanged", `${name} ${JSON.stringify(args)}`);
}

interface Packing {
  readonly base: string;
  /** In which there is one file. */
  readonly folder: string;
  /** Its name, and two others. */
  readonly names: readonly string[];
}

/** Packed, unpacked beside it, archived, told, and all but one of these folders cleaned up. */
async function takesPackages({ base, folder, names }: Packing): Promise<void> {
  const [file = "", one = "", other = ""] = names;
  const [source, unpacked, archive] = [folder, join(folder, one), join(folder, other)];
  const packed = join(base, "packed.tar");
  execFileSync("tar", ["-cf", packed, "-C", source, "."]);
  await twice("unpack", { archive: packed, to: unpacked });
  await rm(packed);
  assert.equal(await text(unpacked, file), await text(source, file));
  await twice("archive", { from: unpacked, into: archive, name: "1", keep: 1 });
  assert.equal(await text(archive, "1", file), await text(source, file));
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  await carryOut("list-directory", { path: unpacked }, { say });
  assert.equal(said.length, 1, "of one file, whatever is in its name");
  const isHidden = one.startsWith(".") || other.startsWith(".");
  if (isHidden) assert.equal(await outcomeOf("cleanup", { folder: source, keep: 1 }), "unchanged");
  else await twice("cleanup", { folder: source, keep: 1 });
  assert.equal((await readdir(source)).length, isHidden ? 3 : 2, "the file, and the newest folder");
}

describe("commands on files", () => {
  it("take any name for what it is", async (t) => {
    const root = await temporaryFolder(t);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(someNames, async (names) => {
        const base = join(root, String(run++));
        await mkdir(base);
        const [folder = "", file = "", twin = "", link = "", moved = "", content = ""] = names;
        const at = (name: string) => join(base, name);
        await twice("create-directory", { path: at(folder), mode: "0750" });
        await twice("write-file", { path: join(at(folder), file), text: content, verbatim: true });
        assert.equal(await text(at(folder), file), content);
        await twice("copy", { from: at(folder), to: at(twin) });
        assert.equal(await text(at(twin), file), content);
        await twice("symlink", { path: at(link), to: `./${twin}` });
        assert.equal(await readlink(at(link)), `./${twin}`);
        await takesPackages({ base, folder: at(folder), names: [file, twin, link] });
        await twice("move", { from: join(at(folder), file), to: at(moved) });
        await twice("remove", { path: at(twin), root: base });
        await twice("remove", { path: at(link), root: base });
        assert.deepEqual((await readdir(base)).toSorted(), [folder, moved].toSorted());
      }),
      { numRuns: 20 },
    );
  });

  it("refuse paths that are not absolute, or go up", () => {
    const command = commandOf("create-directory");
    for (const path of ["relative/path", "/a/../b", "~other/x", "", "/a\0b"]) {
      assert.throws(() => argsOf(command, { path }), { code: "BAD_PLAN" });
    }
    assert.deepEqual(argsOf(command, { path: "//a/./b//" }), { path: "/a/b", sudo: false });
    assert.throws(() => argsOf(command, { path: "/a", mode: "0999" }), { code: "BAD_PLAN" });
    assert.throws(() => argsOf(command, { path: "/a", owner: "-R" }), { code: "BAD_PLAN" });
  });

  it("know the home of whoever they are there", async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "file"), "");
    const run = { command: "ignored", run: ["test", "-e", "file"], directory: "~" };
    const { command: _, ...args } = run;
    assert.equal(await outcomeOf("execute", { ...args, exit: [0, 1] }), "done");
    await assert.rejects(
      carryOut("remove", { path: "~/.", force: true }),
      badPlan(/never removed/),
    );
  });
});

describe("remove", () => {
  it("never takes `/`, what is directly below it, or a home, whatever leads there", async (t) => {
    for (const path of ["/", "/etc", "/usr/", "~"]) {
      await assert.rejects(carryOut("remove", { path, force: true }), badPlan(/never removed/));
    }
    const folder = await temporaryFolder(t);
    await symlink("/", join(folder, "root"));
    await assert.rejects(
      carryOut("remove", { path: join(folder, "root/etc"), force: true }),
      refusal(/\/etc is directly below \/, and never removed/),
    );
    if (homedir().split("/").length > 2) {
      await assert.rejects(carryOut("remove", { path: homedir(), force: true }), refusal(/a home/));
    }
    // Of the users that every machine has.
    const home = execFileSync("sh", ["-c", "cut -d: -f6 /etc/passwd | grep '^/.*/.' | head -1"], {
      encoding: "utf8",
    });
    if (home.trim() !== "" && (await stat(home.trim()).catch(() => undefined))) {
      await assert.rejects(
        carryOut("remove", { path: home.trim(), force: true }),
        refusal(/a home/),
      );
    }
  });

  it("takes a name that has a home for one of its lines", async (t) => {
    const folder = await temporaryFolder(t);
    const [home = ""] =
      /^\/[^\n:]+$/m.exec(execFileSync("cut", ["-d:", "-f6", "/etc/passwd"]).toString()) ?? [];
    const path = `${folder}/a\n${home}\nb`;
    await mkdir(path, { recursive: true });
    assert.equal(await outcomeOf("remove", { path, root: folder }), "done");
  });

  it("stays below its root, where both really are", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(join(folder, "inside"));
    await mkdir(join(folder, "outside/precious"), { recursive: true });
    await symlink("../outside", join(folder, "inside/link"));
    const root = join(folder, "inside");
    await assert.rejects(carryOut("remove", { path: root }), badPlan(/has no `root`/));
    await assert.rejects(
      carryOut("remove", { path: join(folder, "outside"), root }),
      badPlan(/is not below/),
    );
    await assert.rejects(
      carryOut("remove", { path: join(root, "link/precious"), root }),
      refusal(/outside\/precious is not below .*inside/),
    );
    assert.equal(await outcomeOf("remove", { path: join(root, "link"), root }), "done");
    assert.deepEqual(await readdir(join(folder, "outside")), ["precious"]);
  });

  it("refuses a folder of a thousand entries, as murder did, until somebody says so", async (t) => {
    const root = await temporaryFolder(t);
    const path = join(root, "tool");
    await mkdir(path);
    await Promise.all(Array.from({ length: 999 }, (_, n) => writeFile(join(path, `${n}\nx`), "")));
    await assert.rejects(carryOut("remove", { path, root }), refusal(/1000 entries or more/));
    assert.equal((await readdir(path)).length, 999);
    assert.equal(await outcomeOf("remove", { path, root, maxEntries: 1_001 }), "done");
  });

  it("is not led elsewhere by links that come while it works", async (t) => {
    const root = await temporaryFolder(t);
    const precious = join(root, "precious");
    await mkdir(join(precious, "tree"), { recursive: true });
    await writeFile(join(precious, "tree/file"), "");
    const within = join(root, "within");
    await mkdir(within);
    for (let round = 0; round < 15; round++) {
      const parent = join(within, "parent");
      await mkdir(join(parent, "tree/deep"), { recursive: true });
      const removal = carryOut("remove", { path: join(parent, "tree"), root: within }).catch(
        () => undefined,
      );
      for (let swap = 0; swap < 20; swap++) {
        await rename(parent, join(within, "away")).catch(() => undefined);
        await symlink(precious, parent).catch(() => undefined);
        await rm(parent, { force: true }).catch(() => undefined);
        await rename(join(within, "away"), parent).catch(() => undefined);
      }
      await removal;
      await rm(within, { recursive: true, force: true });
      await mkdir(within);
      assert.deepEqual(await readdir(join(precious, "tree")), ["file"]);
    }
  });
});

describe("write-file", () => {
  it("fills in values, and refuses before anything begins when one is missing", async (t) => {
    const path = join(await temporaryFolder(t), "file");
    const values = { name: "$HOME & `x` {{other}}", port: 80 };
    await carryOut("write-file", { path, text: "{{name}}:{{ port }}\n", values });
    assert.equal(await text(path), "$HOME & `x` {{other}}:80\n");
    const written = { path, text: "{{name}} {{nmae}} {{prot}}", values };
    const command = commandOf("write-file");
    assert.throws(() => argsOf(command, written), badPlan(/there is no value for "nmae", "prot"/));
    assert.throws(() => argsOf(command, { path }), badPlan(/one of `text` and `template`/));
    assert.throws(() => argsOf(command, { path, text: "", template: "x" }), { code: "BAD_PLAN" });
  });

  it("takes a template of the engine's machine", async (t) => {
    const path = join(await temporaryFolder(t), "file");
    const readFile = async () => new TextEncoder().encode("port={{port}}");
    const means = { ...noMeans, readFile };
    await carryOut("write-file", { path, template: "/t", values: { port: "080" } }, { means });
    assert.equal(await text(path), "port=080");
    const missing = carryOut("write-file", { path, template: "/t" }, { means });
    await assert.rejects(missing, failure(/there is no value for "port"/));
    assert.equal(await text(path), "port=080");
  });

  it("leaves the file as it was when the disk is full", async (t) => {
    const folder = await tinyDisk(t);
    if (folder === undefined) return;
    const path = join(folder, "file");
    await carryOut("write-file", { path, text: "old" });
    execFileSync("sh", ["-c", 'head -c 2000000 /dev/zero >"$1" || :', "sh", join(folder, "fill")], {
      stdio: "ignore",
    });
    await assert.rejects(
      carryOut("write-file", { path, text: "x".repeat(200_000) }),
      failure(/was not written/),
    );
    assert.equal(await text(path), "old");
    assert.deepEqual((await readdir(folder)).toSorted(), ["file", "fill"]);
  });
});

describe("copy and move", () => {
  it("do with what is there as they are told", async (t) => {
    const folder = await temporaryFolder(t);
    const at = (name: string) => join(folder, name);
    await writeFile(at("new"), "new");
    await writeFile(at("old"), "old");
    const copy = { from: at("new"), to: at("old") };
    await assert.rejects(carryOut("copy", { ...copy, ifExists: "fail" }), refusal(/there already/));
    assert.equal(await outcomeOf("copy", { ...copy, ifExists: "keep" }), "unchanged");
    await assert.rejects(carryOut("move", copy), refusal(/clobber/));
    assert.equal(await text(at("old")), "old");
    assert.equal(await outcomeOf("move", { ...copy, clobber: true }), "done");
    assert.equal(await text(at("old")), "new");
    await assert.rejects(
      carryOut("move", { from: at("none"), to: at("other") }),
      failure(/there is no/),
    );
    await assert.rejects(
      carryOut("copy", { from: at("none"), to: at("old") }),
      failure(/there is no/),
    );
  });

  it("replace folders as a whole, and nothing within themselves", async (t) => {
    const folder = await temporaryFolder(t);
    const at = (...names: string[]) => join(folder, ...names);
    for (const name of ["a", "b"]) {
      await mkdir(at(name));
      await writeFile(at(name, name), name);
    }
    assert.equal(await outcomeOf("copy", { from: at("a"), to: at("b") }), "done");
    assert.deepEqual(await readdir(at("b")), ["a"]);
    await writeFile(at("b", "more"), "");
    assert.equal(await outcomeOf("move", { from: at("a"), to: at("b"), clobber: true }), "done");
    assert.deepEqual(await readdir(at("b")), ["a"]);
    await assert.rejects(carryOut("copy", { from: at("b"), to: at("b/c") }), refusal(/is within/));
    await assert.rejects(carryOut("move", { from: at("b"), to: at("b/c") }), refusal(/is within/));
    assert.deepEqual(await readdir(folder), ["b"]);
  });
});

describe("symlink", () => {
  it("never leaves a moment without a link, and replaces nothing else", async (t) => {
    const folder = await temporaryFolder(t);
    for (const name of ["1", "2"]) await mkdir(join(folder, name));
    const path = join(folder, "current");
    await carryOut("symlink", { path, to: "1" });
    const over = new AbortController();
    const watch = (async () => {
      while (!over.signal.aborted) assert.ok((await lstat(path)).isSymbolicLink());
    })();
    for (let round = 0; round < 10; round++) {
      await carryOut("symlink", { path, to: round % 2 === 0 ? "2" : "1" });
    }
    over.abort();
    await watch;
    assert.deepEqual(await readdir(join(folder, "1")), []);
    await assert.rejects(carryOut("symlink", { path, to: "3" }), failure(/there is no 3/));
    assert.equal(await outcomeOf("symlink", { path, to: "3", dangling: true }), "done");
    const taken = carryOut("symlink", { path: join(folder, "1"), to: "2" });
    await assert.rejects(taken, refusal(/is there, and no link/));
  });
});

describe("cleanup", () => {
  it("keeps the newest, whatever they are called, and what links lead to or into", async (t) => {
    const folder = await temporaryFolder(t);
    const releases = join(folder, "releases");
    const names = ["old one", "-rf", "two\nlines", "$HOME", "new*", "newest"];
    for (const [age, name] of names.entries()) {
      await mkdir(join(releases, name, "web"), { recursive: true });
      await utimes(join(releases, name), 1_000 + age, 1_000 + age);
    }
    await writeFile(join(releases, "a-file"), "");
    await symlink("releases/old one", join(folder, "current"));
    await symlink("releases/-rf/web", join(folder, "assets"));
    const args = { folder: releases, keep: 2, spare: "$HOME" };
    assert.equal(await outcomeOf("cleanup", args), "done");
    const kept = ["-rf", "$HOME", "a-file", "new*", "newest", "old one"];
    assert.deepEqual((await readdir(releases)).toSorted(), kept.toSorted());
    assert.equal(await outcomeOf("cleanup", args), "unchanged");
    const command = commandOf("cleanup");
    for (const keep of [0, -1, "all"]) {
      assert.throws(() => argsOf(command, { folder: releases, keep }), { code: "BAD_PLAN" });
    }
    assert.throws(() => argsOf(command, { folder: releases }), { code: "BAD_PLAN" });
  });

  it("takes only what its pattern fits", async (t) => {
    const folder = await temporaryFolder(t);
    for (const name of ["a 1.log", "a 2.log", "b.log"]) await writeFile(join(folder, name), "");
    await carryOut("cleanup", { folder, keep: 1, match: "a *.log", kind: "files" });
    assert.deepEqual((await readdir(folder)).toSorted(), ["a 2.log", "b.log"]);
    assert.throws(() => argsOf(commandOf("cleanup"), { folder, keep: 1, match: "../*" }), {
      code: "BAD_PLAN",
    });
  });
});

describe("archive", () => {
  it("keeps as many as it is told, and refuses to lie within what it keeps", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(join(folder, "app"));
    await writeFile(join(folder, "app/file"), "1");
    const args = { from: join(folder, "app"), into: join(folder, "kept"), keep: 2 };
    for (const name of ["1", "2", "3"])
      assert.equal(await outcomeOf("archive", { ...args, name }), "done");
    assert.equal(await outcomeOf("archive", { ...args, name: "3" }), "unchanged");
    const kept = await readdir(join(folder, "kept"));
    assert.equal(kept.length, 2);
    assert.ok(kept.includes("3"));
    const within = { from: join(folder, "app"), into: join(folder, "app/kept"), name: "1" };
    await assert.rejects(carryOut("archive", within), refusal(/is within/));
  });
});
