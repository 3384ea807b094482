import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { fetchPassword } from "@propagit/protocol";
import { nodeCrypto, nodeRandom } from "@propagit/runtime";
import { GitCommits } from "../../src/system/commits.js";
import { inPhase, openBench } from "../support/bench.js";
import { webApp } from "../support/apps.js";
import { runGit } from "../support/run-git.js";
import { until } from "../support/until.js";
import { mountTinyDisk } from "../support/tiny-disk.js";

const never = new AbortController().signal;

interface Place {
  readonly folder: string;
  readonly commits: GitCommits;
  /** Where files are changed and committed. */
  readonly work: string;
  readonly source: () => Promise<{ url: string; password: undefined }>;
  readonly commit: (text: string) => Promise<string>;
}

async function openPlace(t: TestContext): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), "propagit-commits-"));
  t.after(() => rm(base, { recursive: true, force: true }));
  const [folder, work] = [join(base, "drone"), join(base, "work")];
  await mkdir(work);
  await runGit(work, "init", "-q", "-b", "main");
  return {
    folder,
    work,
    commits: new GitCommits(folder, nodeRandom),
    source: () => Promise.resolve({ url: `file://${work}`, password: undefined }),
    async commit(text) {
      await writeFile(join(work, "text"), text);
      await runGit(work, "add", "-A");
      await runGit(work, "commit", "-q", "--allow-empty", "-m", text);
      return (await runGit(work, "rev-parse", "HEAD")).trim();
    },
  };
}

async function checkoutsIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, "commits", "webapp"));
  return names.filter((name) => !name.endsWith(".unsynced"));
}

test("checks a commit out once for all who want it at the same moment", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const name = { repo: "webapp", commit: await commit("one") };
  await commits.fetch(name, source, never);
  const given = new AbortController();
  const impatient = commits.checkOut(name, given.signal).catch(() => undefined);
  const all = Promise.all([1, 2, 3, 4].map(() => commits.checkOut(name, never)));
  // Who gives up takes nobody with him.
  given.abort();
  await impatient;
  const folders = new Set((await all).map((checkedOut) => checkedOut.folder));
  assert.deepEqual([...folders], [join(folder, "commits", "webapp", name.commit)]);
  assert.deepEqual(await checkoutsIn(folder), [name.commit]);
});

test("checks a commit out into a folder of its own, with modes and links", async (t) => {
  const { commits, work, commit, source, folder } = await openPlace(t);
  await writeFile(join(work, "run"), "#!/bin/sh\n");
  await chmod(join(work, "run"), 0o755);
  execFileSync("ln", ["-s", "text", join(work, "link")]);
  const sha = await commit("one");
  await commits.fetch({ repo: "webapp", commit: sha }, source, never);

  const checkedOut = await commits.checkOut({ repo: "webapp", commit: sha }, never);

  assert.equal(checkedOut.folder, join(folder, "commits", "webapp", sha));
  assert.equal(await readFile(join(checkedOut.folder, "link"), "utf8"), "one");
  assert.equal((await stat(join(checkedOut.folder, "run"))).mode & 0o111, 0o111);
  assert.deepEqual(await checkoutsIn(folder), [sha]);
});

test("reads no manifest without an end", async (t) => {
  const { commits, commit, source, work } = await openPlace(t);
  await symlink("/dev/zero", join(work, "package.json"));
  const name = { repo: "webapp", commit: await commit("linked") };
  await commits.fetch(name, source, never);
  assert.equal((await commits.checkOut(name, never)).manifest, undefined);
});

test("fetches commits of one repo side by side without getting in each other's way", async (t) => {
  const { commits, commit, source } = await openPlace(t);
  const shas: string[] = [];
  for (const text of ["a", "b", "c", "d", "e", "f"]) shas.push(await commit(text));

  const texts = await Promise.all(
    shas.map(async (sha) => {
      const name = { repo: "webapp", commit: sha };
      await commits.fetch(name, source, never);
      const { folder } = await commits.checkOut(name, never);
      return readFile(join(folder, "text"), "utf8");
    }),
  );

  assert.deepEqual(texts, ["a", "b", "c", "d", "e", "f"]);
});

test("asks nobody for a commit that is here", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const name = { repo: "webapp", commit: await commit("one") };
  await commits.fetch(name, source, never);
  const asked = () => Promise.reject(new Error("asked"));
  await commits.fetch(name, asked, never);
  await commits.checkOut(name, never);
  await rm(join(folder, "repos"), { recursive: true });
  await commits.fetch(name, asked, never);
});

test("mends a repository that lacks a part of a commit it says it has", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const sha = await commit("one");
  const name = { repo: "webapp", commit: sha };
  await commits.fetch(name, source, never);
  const repo = join(folder, "repos", "webapp.git");
  const blob = (await runGit(repo, "rev-parse", `${sha}:text`)).trim();
  await rm(join(repo, "objects", blob.slice(0, 2), blob.slice(2)), { force: true });

  await commits.fetch(name, source, never);

  const { folder: checkout } = await commits.checkOut(name, never);
  assert.equal(await readFile(join(checkout, "text"), "utf8"), "one");
});

test("never uses a checkout that was cut off, and removes it at the next start", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const sha = await commit("one");
  const name = { repo: "webapp", commit: sha };
  const half = join(folder, "commits", "webapp", `${sha}.partial-0123abcd`);
  await mkdir(half, { recursive: true });
  await writeFile(join(half, "text"), "on");
  const locked = join(folder, "repos", "webapp.git", "refs", "propagit");
  await mkdir(locked, { recursive: true });
  await writeFile(join(locked, `${sha}.lock`), "");

  await commits.tidy();
  await commits.fetch(name, source, never);
  const checkedOut = await commits.checkOut(name, never);

  assert.equal(await readFile(join(checkedOut.folder, "text"), "utf8"), "one");
  assert.deepEqual(await checkoutsIn(folder), [sha]);
});

test("checks out again what a power cut may have damaged", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const name = { repo: "webapp", commit: await commit("one") };
  await commits.fetch(name, source, never);
  const { folder: checkout } = await commits.checkOut(name, never);
  const note = `${checkout}.unsynced`;
  await until("on disk", async () => !(await stat(note).catch(() => undefined)));

  await commits.tidy();
  assert.deepEqual(await checkoutsIn(folder), [name.commit], "what is on disk stays");

  await writeFile(join(checkout, "text"), "");
  await writeFile(note, "another boot");
  await commits.tidy();
  assert.deepEqual(await checkoutsIn(folder), []);
  await commits.checkOut(name, never);
  assert.equal(await readFile(join(checkout, "text"), "utf8"), "one");
});

test("says in git's words why a fetch failed", async (t) => {
  const { commits, commit, source } = await openPlace(t);
  await commit("one");
  const missing = { repo: "webapp", commit: "1234567890123456789012345678901234567890" };
  await assert.rejects(commits.fetch(missing, source, never), {
    message:
      /^git fetch failed: .*upload-pack: not our ref 1234567890123456789012345678901234567890$/,
  });
  const nowhere = () => Promise.resolve({ url: "http://127.0.0.1:1/webapp", password: "hidden" });
  await assert.rejects(commits.fetch(missing, nowhere, never), ({ message }: Error) => {
    assert.match(message, /^git fetch failed: fatal: unable to access .*127\.0\.0\.1/);
    assert.ok(!message.includes("hidden"));
    return true;
  });
});

test("gives a fetch up when it is told to, and leaves no process", async (t) => {
  const { commits } = await openPlace(t);
  const { createServer } = await import("node:net");
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => {
    silent.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const url = `http://127.0.0.1:${port}/webapp`;
  const stop = new AbortController();
  const name = { repo: "webapp", commit: "a".repeat(40) };
  const fetching = commits.fetch(
    name,
    () => Promise.resolve({ url, password: undefined }),
    stop.signal,
  );
  const { stdout } = await until("git asking", async () => {
    const seen = await promisify(execFile)("ps", ["-eo", "args"]);
    return seen.stdout.includes(url) && seen;
  });
  assert.ok(!stdout.includes("Authorization"));

  stop.abort();

  await assert.rejects(fetching, { message: "git fetch was given up" });
  await until("no git left", async () => {
    const seen = await promisify(execFile)("ps", ["-eo", "args"]);
    return !seen.stdout.includes(url);
  });
});

test("shows the password to the hub only, not to whoever lists processes", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  const seen: string[] = [];
  const watch = setInterval(() => {
    execFile("ps", ["-eo", "args"], (_, stdout) => seen.push(stdout));
  }, 5);
  t.after(() => clearInterval(watch));
  await drone();
  hub.assign({ repo: "webapp", commit: sha });
  await inPhase(hub, sha, "ready");
  const password = fetchPassword(nodeCrypto, hub.conversation?.peer?.sessionKey ?? "");
  const shown = Buffer.from(`drone:${password}`).toString("base64");
  assert.ok(seen.some((text) => text.includes("ps -eo args")));
  assert.ok(!seen.some((text) => text.includes(password) || text.includes(shown)));
});

test("is not led astray by the settings of whoever started it", async (t) => {
  const { commits, commit, source, folder } = await openPlace(t);
  const sha = await commit("one");
  const config = join(folder, "..", "gitconfig");
  await writeFile(
    config,
    "[core]\n\tautocrlf = true\n\thooksPath = /evil\n[fetch]\n\tfsck = nonsense",
  );
  process.env["GIT_CONFIG_GLOBAL"] = config;
  process.env["GIT_DIR"] = "/nonexistent";
  t.after(() => {
    delete process.env["GIT_CONFIG_GLOBAL"];
    delete process.env["GIT_DIR"];
  });
  const name = { repo: "webapp", commit: sha };
  await commits.fetch(name, source, never);
  await commits.checkOut(name, never);
});

test("says that the disk is full, and uses nothing of what it had written", async (t) => {
  const tiny = await mountTinyDisk(t);
  if (tiny === undefined) return;
  const { commit, work, source } = await openPlace(t);
  await writeFile(join(work, "large"), Buffer.alloc(3 * 1024 * 1024, 1));
  const sha = await commit("large");
  const commits = new GitCommits(tiny, nodeRandom);
  const name = { repo: "webapp", commit: sha };
  await commits.fetch(name, source, never);

  await assert.rejects(commits.checkOut(name, never), {
    code: "DATA_UNUSABLE",
    message: /unable to write file.*; [\d.]+ [KMGT]iB of disk are free$/,
  });

  assert.deepEqual(await readdir(join(tiny, "commits", "webapp")), []);
});
