import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fetchPassword } from "@propagit/protocol";
import { hangUp, nodeCrypto } from "@propagit/runtime";
import { makeBench, until, type Bench } from "../support/real-hub.js";

async function resolves(bench: Bench, repo: string, ref: string): Promise<string> {
  const hub = await bench.connect();
  // A deploy without drones gets as far as it can only with a commit that is there.
  return hub.call("hub.deploy", { repo, ref }).then(
    () => "deployed",
    ({ code, message }: { code: string; message: string }) =>
      code === "NO_DRONE" ? "found" : `${code}: ${message}`,
  );
}

test("a push makes the repository, on the hub's port and the one after, as NAME and as NAME.git", async (t) => {
  const bench = await makeBench(t);
  const hash = await bench.commit("work", "one");
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  const refs = await bench.good(["ls-remote", bench.url("webapp.git", { port: bench.hub.port })]);
  assert.equal(refs, `${hash}\tHEAD\n${hash}\trefs/heads/master`);
  assert.deepEqual(
    (await readdir(join(bench.folder, "hub/repos"))).filter((name) => !name.startsWith(".")),
    ["webapp.git"],
  );
});

test("a clone of what nobody pushed is not found and makes nothing", async (t) => {
  const bench = await makeBench(t);
  const { exitCode, stderr } = await bench.git(["clone", bench.url("nope"), "copy"]);
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /remote: the hub has no repository "nope"/);
  assert.ok(!existsSync(join(bench.folder, "hub/repos/nope.git")));
});

test("pushing and fetching without the secret, or with a wrong one, is refused", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  const wrong = bench.url("webapp", { password: "wrong" });
  const none = `http://localhost:${bench.hub.gitPort}/webapp`;
  for (const url of [wrong, none]) {
    assert.notEqual((await bench.git(["push", url, "master"], { cwd: "work" })).exitCode, 0);
    assert.notEqual((await bench.git(["ls-remote", url])).exitCode, 0);
  }
  const answer = await fetch(`${none}/info/refs?service=git-upload-pack`);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic realm=/);
  assert.ok(!existsSync(join(bench.folder, "hub/repos/webapp.git")));
});

test("a drone's session fetches and pushes no branches, and its password ends with it", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  const drone = await bench.connect("drone");
  const password = fetchPassword(nodeCrypto, drone.peer?.sessionKey ?? assert.fail());
  const url = bench.url("webapp", { password });
  await bench.good(["clone", "--quiet", url, "copy"]);
  const { exitCode, stderr } = await bench.git(["push", url, "master:other"], { cwd: "work" });
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /a drone may fetch, and push what it built; nothing else/);
  await hangUp(drone);
  const after = await bench.git(["ls-remote", url]);
  assert.notEqual(after.exitCode, 0);
});

test("with open push anybody may push, nobody may fetch, and the log says so loudly", async (t) => {
  const bench = await makeBench(t, { openPush: true });
  await bench.commit("work", "one");
  const open = `http://localhost:${bench.hub.gitPort}/webapp`;
  await bench.good(["push", open, "master"], { cwd: "work" });
  assert.notEqual((await bench.git(["ls-remote", open])).exitCode, 0);
  assert.ok(bench.log.some((line) => line.includes("EVERYBODY")));
});

test("names that lead elsewhere, are too long, or differ only in case are refused in words", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  const bad = ["..%2fx", "%2e%2e", "a%2fb", "a/b", "x".repeat(51), "a--b", "-x", "a%00b", "Webapp"];
  for (const name of bad) {
    const { exitCode, stderr } = await bench.git(["push", bench.url(name), "master"], {
      cwd: "work",
    });
    assert.notEqual(exitCode, 0, name);
    assert.match(stderr, /remote: (repository name|there is a repository)/, name);
  }
  const names = await readdir(join(bench.folder, "hub/repos"));
  assert.deepEqual(
    names.filter((name) => !name.startsWith(".")),
    ["webapp.git"],
  );
  assert.ok(!existsSync(join(bench.folder, "hub/x.git")));
});

test("any branch, tags, force-pushes and deletions arrive, and HEAD is the first branch", async (t) => {
  const bench = await makeBench(t);
  const first = await bench.commit("work", "one");
  const url = bench.url("webapp");
  const push = (...args: string[]) => bench.good(["push", url, ...args], { cwd: "work" });
  await push("master:refs/heads/feature/x");
  await bench.good(["tag", "-a", "v1", "-m", "one"], { cwd: "work" });
  await push("v1");
  await bench.good(["commit", "--quiet", "--amend", "-m", "other"], { cwd: "work" });
  await push("--force", "master:refs/heads/feature/x", "master:main");
  const head = () => readFile(join(bench.folder, "hub/repos/webapp.git/HEAD"), "utf8");
  assert.equal(await head(), "ref: refs/heads/feature/x\n");
  await push("--delete", "feature/x");
  assert.equal(await head(), "ref: refs/heads/main\n");
  const refs = await bench.good(["ls-remote", url, "refs/tags/*"]);
  assert.match(refs, new RegExp(`${first}\\trefs/tags/v1\\^\\{\\}$`));
  const events = await bench.events();
  const texts = events.map(({ kind, text }) => `${kind} ${text.replaceAll(/[0-9a-f]{7}/g, "#")}`);
  assert.deepEqual(texts, [
    "pushed git pushed to webapp: feature/x is new at #",
    "pushed git pushed to webapp: tags/v1 is new at #",
    "pushed git pushed to webapp: feature/x # → #, main is new at #",
    "pushed git pushed to webapp: feature/x deleted",
  ]);
});

test("shallow, partial and old-protocol clones and fetches by hash work", async (t) => {
  const bench = await makeBench(t);
  const first = await bench.commit("work", "one");
  await bench.good(["commit", "--quiet", "--allow-empty", "-m", "two"], { cwd: "work" });
  const url = bench.url("webapp");
  await bench.good(["push", url, "master"], { cwd: "work" });
  await bench.good(["clone", "--quiet", "--depth=1", url, "shallow"]);
  assert.equal(await bench.good(["rev-list", "--count", "HEAD"], { cwd: "shallow" }), "1");
  await bench.good(["fetch", "--quiet", "--unshallow"], { cwd: "shallow" });
  assert.equal(await bench.good(["rev-list", "--count", "HEAD"], { cwd: "shallow" }), "2");
  await bench.good(["clone", "--quiet", "--filter=blob:none", url, "partial"]);
  for (const version of ["0", "1", "2"]) {
    await bench.good(["-c", `protocol.version=${version}`, "clone", "--quiet", url, `v${version}`]);
  }
  await bench.good(["init", "--quiet", "--bare", "bare.git"]);
  await bench.good(["fetch", "--quiet", url, first], { cwd: "bare.git" });
  assert.equal(await bench.good(["cat-file", "-t", first], { cwd: "bare.git" }), "commit");
});

test("protocol version 2 is really spoken", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  const { stderr } = await bench.git(
    ["-c", "protocol.version=2", "ls-remote", bench.url("webapp")],
    {
      env: { GIT_TRACE_PACKET: "1" },
    },
  );
  assert.match(stderr, /< version 2/);
});

test("a commit that no branch holds any more can still be fetched, by its hash", async (t) => {
  const bench = await makeBench(t);
  const lost = await bench.commit("work", "one");
  const url = bench.url("webapp");
  await bench.good(["push", url, "master"], { cwd: "work" });
  await bench.good(["commit", "--quiet", "--amend", "-m", "other"], { cwd: "work" });
  await bench.good(["push", "--force", url, "master"], { cwd: "work" });
  await bench.good(["init", "--quiet", "--bare", "bare.git"]);
  await bench.good(["fetch", "--quiet", url, lost], { cwd: "bare.git" });
});

test("a push from a shallow clone is taken", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  await bench.good(["commit", "--quiet", "--allow-empty", "-m", "two"], { cwd: "work" });
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  await bench.good(["clone", "--quiet", "--depth=1", bench.url("webapp"), "shallow"]);
  await bench.good(["push", "--quiet", bench.url("other"), "master"], { cwd: "shallow" });
  assert.equal(await resolves(bench, "other", "master"), "found");
});

test("what the hub keeps for itself is neither shown nor writable", async (t) => {
  const bench = await makeBench(t);
  const hash = await bench.commit("work", "one");
  const url = bench.url("webapp");
  await bench.good(["push", url, "master"], { cwd: "work" });
  assert.equal(await resolves(bench, "webapp", hash), "found");
  const own = await bench.good(["--git-dir=hub/repos/webapp.git", "for-each-ref", "refs/propagit"]);
  assert.match(own, new RegExp(`refs/propagit/deployed/${hash}$`));
  assert.ok(!(await bench.good(["ls-remote", url])).includes("propagit"));
  const target = `${hash}:refs/propagit/deployed/${hash.replaceAll(/./g, "0")}`;
  const { exitCode, stderr } = await bench.git(["push", url, target], { cwd: "work" });
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /deny updating a hidden ref/);
});

test("many push to one repository at the same time, each to a branch of its own", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  const url = bench.url("webapp");
  const branches = Array.from({ length: 8 }, (_, at) => `branch-${at}`);
  await Promise.all(
    branches.map((branch) =>
      bench.good(["push", "--quiet", url, `master:${branch}`], { cwd: "work" }),
    ),
  );
  const refs = await bench.good(["ls-remote", "--heads", url]);
  assert.deepEqual(
    refs.split("\n").map((line) => line.split("/").at(-1)),
    branches,
  );
  await bench.good(["--git-dir=hub/repos/webapp.git", "fsck", "--strict"]);
});

test("of two who push different commits to the same branch one is refused", async (t) => {
  const bench = await makeBench(t);
  await bench.commit("left", "left");
  await bench.commit("right", "right");
  const url = bench.url("webapp");
  const results = await Promise.all(
    ["left", "right"].map((cwd) => bench.git(["push", "--quiet", url, "master"], { cwd })),
  );
  assert.equal(results.filter(({ exitCode }) => exitCode === 0).length, 1);
});

test("a damaged object is refused by name", async (t) => {
  const bench = await makeBench(t);
  await bench.good(["init", "--quiet", "--initial-branch=master", "work"]);
  const tree = await bench.good(["hash-object", "-t", "tree", "-w", "/dev/null"], { cwd: "work" });
  await writeFile(join(bench.folder, "bad"), `tree ${tree}\nauthor broken\n\nno committer\n`);
  const hash = await bench.good(
    ["hash-object", "-t", "commit", "--literally", "-w", join(bench.folder, "bad")],
    { cwd: "work" },
  );
  const { exitCode, stderr } = await bench.git(
    ["push", bench.url("webapp"), `${hash}:refs/heads/x`],
    {
      cwd: "work",
    },
  );
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /fsck|unpack|missing/i);
  const repository = join(bench.folder, "hub/repos/webapp.git");
  await until("the empty repository is gone", () => !existsSync(repository));
});

test("commits are found by hash, prefix, branch, tag and HEAD; names come before prefixes", async (t) => {
  const bench = await makeBench(t);
  const first = await bench.commit("work", "one");
  await bench.good(["tag", "-a", "v1", "-m", "one"], { cwd: "work" });
  await bench.good(["commit", "--quiet", "--allow-empty", "-m", "two"], { cwd: "work" });
  const second = await bench.good(["rev-parse", "HEAD"], { cwd: "work" });
  // A branch that is named like the beginning of the other commit.
  const url = bench.url("webapp");
  const push = [
    "push",
    "--quiet",
    url,
    "master",
    "v1",
    `${first}:refs/heads/${second.slice(0, 8)}`,
  ];
  await bench.good(push, { cwd: "work" });
  const deployed = async () => {
    const args = ["--git-dir=hub/repos/webapp.git", "for-each-ref", "--format=%(objectname)"];
    const kept = await bench.good([...args, "refs/propagit"]);
    await bench.good([
      "--git-dir=hub/repos/webapp.git",
      "update-ref",
      "-d",
      `refs/propagit/deployed/${kept}`,
    ]);
    return kept;
  };
  const expected: [ref: string, commit: string][] = [
    [first, first],
    [first.toUpperCase(), first],
    [first.slice(0, 7), first],
    ["master", second],
    ["heads/master", second],
    ["refs/heads/master", second],
    ["v1", first],
    ["refs/tags/v1", first],
    ["HEAD", second],
    [second.slice(0, 8), first],
    [second.slice(0, 10), second],
  ];
  for (const [ref, commit] of expected) {
    assert.equal(await resolves(bench, "webapp", ref), "found", ref);
    assert.equal(await deployed(), commit, ref);
  }
});

test("what is no commit is refused in words and never becomes an option of git", async (t) => {
  const bench = await makeBench(t);
  const hash = await bench.commit("work", "one");
  await bench.good(["push", bench.url("webapp"), "master"], { cwd: "work" });
  const tree = await bench.good(["rev-parse", "HEAD^{tree}"], { cwd: "work" });
  const bad = ["nope", "--all", "-x", "master~1", "HEAD^", "@{-1}", "a b", "a..b", "", "\n"];
  for (const ref of [...bad, "20261121", "1234567890".repeat(4), "0000", "abc", tree]) {
    assert.match(await resolves(bench, "webapp", ref), /^(NO_COMMIT|BAD_FRAME): /, ref);
  }
  assert.equal(await resolves(bench, "webapp", hash.slice(0, 4)), "found");
  assert.match(await resolves(bench, "webap", "master"), /^NO_REPO/);
  assert.match(await resolves(bench, "Webapp", "master"), /^NO_REPO/);
});

test("hashes made only of digits are hashes, and a prefix that fits two commits names both", async (t) => {
  const bench = await makeBench(t);
  await bench.good(["init", "--quiet", "work"]);
  // Four characters have 65,536 values: of 500 commits two begin alike, and one begins with six digits.
  const stream = Array.from({ length: 500 }, (_, at) =>
    [
      `commit refs/heads/b/${at}`,
      `committer test <test@localhost> ${at} +0000`,
      "data 0",
      "",
      "",
    ].join("\n"),
  );
  await writeFile(join(bench.folder, "stream"), stream.join(""));
  await bench.good(["-c", "alias.load=!git fast-import --quiet < ../stream", "load"], {
    cwd: "work",
  });
  await bench.good(["push", "--quiet", bench.url("webapp"), "refs/heads/b/*"], { cwd: "work" });
  const list = await bench.good(["for-each-ref", "--format=%(objectname)"], { cwd: "work" });
  const hashes = list.split("\n");
  const digits = hashes.find((hash) => /^\d{6}/.test(hash)) ?? assert.fail("no hash of digits");
  assert.equal(await resolves(bench, "webapp", digits.slice(0, 6)), "found");
  const prefix = hashes
    .map((hash) => hash.slice(0, 4))
    .find((start, at, all) => all.indexOf(start) !== at);
  assert.ok(prefix, "two begin alike");
  const answer = await resolves(bench, "webapp", prefix);
  assert.match(answer, /^AMBIGUOUS/);
  for (const hash of hashes.filter((each) => each.startsWith(prefix))) {
    assert.ok(answer.includes(hash));
  }
});

test("a big push streams through: the hub does not grow with it", async (t) => {
  const bench = await makeBench(t);
  await bench.good(["init", "--quiet", "--initial-branch=master", "work"]);
  const block = join(bench.folder, "work/big");
  // Not compressible, so that it is as big on the wire: 200 MB.
  const piece = Buffer.alloc(16 * 1024 * 1024);
  for (let at = 0; at < 12; at++) await appendFile(block, randomFillSync(piece));
  await bench.good(["-c", "core.compression=0", "add", "."], { cwd: "work" });
  await bench.good(["commit", "--quiet", "-m", "big"], { cwd: "work" });
  let peak = 0;
  const before = process.memoryUsage().rss;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  t.after(() => clearInterval(watch));
  await bench.good(["-c", "core.compression=0", "push", "--quiet", bench.url("webapp"), "master"], {
    cwd: "work",
  });
  assert.ok(peak - before < 100 * 1024 * 1024, `grew by ${Math.round((peak - before) / 1e6)} MB`);
});
