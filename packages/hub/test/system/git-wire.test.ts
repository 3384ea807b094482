/** What no git sends: garbage, halves, bombs; and what another git client sends. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs, { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, deflateSync } from "node:zlib";
import isomorphic from "isomorphic-git";
import isomorphicHttp from "isomorphic-git/http/node";
import { makeBench, secret, until, type Bench } from "../support/real-hub.js";

const authorization = `Basic ${Buffer.from(`git:${secret}`).toString("base64")}`;
const wanted = "0000000000000000000000000000000000000000";

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Posts a body to git's services, with the secret and the right type unless said otherwise. */
function post(
  bench: Bench,
  path: string,
  body: Buffer | string,
  headers: http.OutgoingHttpHeaders = {},
): Promise<Answer> {
  const service = path.split("/").at(-1) ?? "";
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        port: bench.hub.gitPort,
        path,
        method: "POST",
        agent: false,
        headers: { authorization, "content-type": `application/x-${service}-request`, ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("latin1").on("data", (piece: string) => (text += piece));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The beginning of a push: one command, then the end of the list. */
function commandLine(oldId: string, newId: string, ref: string): string {
  const line = `${oldId} ${newId} ${ref}\0report-status`;
  return `${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`;
}

async function pushed(bench: Bench): Promise<string> {
  const hash = await bench.commit("work", "one");
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  return hash;
}

/** Processes of git that work in the hub's folder. */
async function gitsOf(bench: Bench): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.startsWith("git\0") && line.includes(join(bench.folder, "hub/repos")))
      found.push(line);
  }
  return found;
}

test("garbage instead of a push or a fetch is answered with 400, and the next push works", async (t) => {
  const bench = await makeBench(t);
  await pushed(bench);
  for (const service of ["git-receive-pack", "git-upload-pack"]) {
    for (const body of ["garbage", "zzzz", "ffff", "\0\0\0\0", "0003", "x".repeat(200_000)]) {
      const { status, text } = await post(bench, `/webapp/${service}`, body);
      assert.equal(status, 400, `${service} ${body.slice(0, 10)}: ${text}`);
    }
  }
  const nowhere = await post(bench, "/other/git-receive-pack", "garbage");
  assert.equal(nowhere.status, 400);
  await until(
    "no repository is left of it",
    () => !existsSync(join(bench.folder, "hub/repos/other.git")),
  );
  await bench.good(["push", "--quiet", bench.url("webapp"), "master:again"], { cwd: "work" });
});

test("a push of a pack that is garbage is refused in git's own words and changes nothing", async (t) => {
  const bench = await makeBench(t);
  const hash = await pushed(bench);
  const head = commandLine(wanted, hash, "refs/heads/evil");
  const { status, text } = await post(bench, "/webapp/git-receive-pack", `${head}PACKgarbage`);
  assert.equal(status, 200);
  assert.match(text, /unpack (?!ok)/);
  assert.ok(!(await bench.good(["ls-remote", bench.url("webapp")])).includes("evil"));
});

test("a push that is cut off mid-pack leaves no ref, no half pack and no process", async (t) => {
  const bench = await makeBench(t);
  await pushed(bench);
  await writeFile(join(bench.folder, "work/noise"), randomBytes(500_000));
  await bench.good(["add", "."], { cwd: "work" });
  await bench.good(["commit", "--quiet", "-m", "two"], { cwd: "work" });
  const hash = await bench.good(["rev-parse", "HEAD"], { cwd: "work" });
  const pack = "alias.pack=!git pack-objects --quiet --all ../pack < /dev/null";
  const name = await bench.good(["-c", pack, "pack"], { cwd: "work" });
  const body = Buffer.concat([
    Buffer.from(commandLine(wanted, hash, "refs/heads/cut")),
    await readFile(join(bench.folder, `pack-${name}.pack`)),
  ]);
  for (const sent of [3, 60, 1_000, 300_000, body.length - 1]) {
    const socket = connect(bench.hub.gitPort, "localhost");
    socket.on("error", () => undefined);
    socket.write(
      `POST /webapp/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
        "Content-Type: application/x-git-receive-pack-request\r\n" +
        `Content-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, sent));
    await until("git runs", async () => (await gitsOf(bench)).length > 0);
    socket.destroy();
    await until("git is gone", async () => (await gitsOf(bench)).length === 0);
  }
  assert.ok(!(await bench.good(["ls-remote", bench.url("webapp")])).includes("cut"));
  const objects = await readdir(join(bench.folder, "hub/repos/webapp.git/objects"));
  assert.deepEqual(
    objects.filter((entry) => entry.startsWith("tmp") || entry.startsWith("incoming")),
    [],
  );
  assert.equal((await post(bench, "/webapp/git-receive-pack", body)).status, 200);
  assert.ok((await bench.good(["ls-remote", bench.url("webapp")])).includes("cut"));
});

test("a client that goes in the middle of a fetch takes git with it", async (t) => {
  const bench = await makeBench(t);
  await bench.good(["init", "--quiet", "--initial-branch=master", "work"]);
  await writeFile(join(bench.folder, "work/big"), randomBytes(24_000_000));
  await bench.good(["add", "."], { cwd: "work" });
  await bench.good(["commit", "--quiet", "-m", "big"], { cwd: "work" });
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  const hash = await bench.good(["rev-parse", "HEAD"], { cwd: "work" });
  const want = `0032want ${hash}\n00000009done\n`;
  const socket = connect(bench.hub.gitPort, "localhost");
  socket.on("error", () => undefined);
  socket.write(
    `POST /webapp/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
      `Content-Type: application/x-git-upload-pack-request\r\nContent-Length: ${want.length}\r\n\r\n${want}`,
  );
  await new Promise((resolve) => {
    socket.once("readable", resolve);
  });
  assert.equal((await gitsOf(bench)).length > 0, true);
  socket.destroy();
  await until("git is gone", async () => (await gitsOf(bench)).length === 0);
});

test("compressed bodies are taken as git sends them; broken, unknown and bomb-like ones are refused", async (t) => {
  const bench = await makeBench(t);
  const hash = await pushed(bench);
  const want = Buffer.from(`0032want ${hash}\n00000009done\n`);
  const path = "/webapp/git-upload-pack";
  const gzip = { "content-encoding": "gzip" };
  for (const [body, encoding] of [
    [gzipSync(want), "gzip"],
    [gzipSync(want), "x-gzip"],
    [deflateSync(want), "deflate"],
    [want, "identity"],
  ] as const) {
    const { status, text } = await post(bench, path, body, { "content-encoding": encoding });
    assert.equal(status, 200, encoding);
    assert.match(text, /PACK/);
  }
  assert.equal((await post(bench, path, want, gzip)).status, 400);
  assert.equal((await post(bench, path, gzipSync(want).subarray(0, 30), gzip)).status, 400);
  assert.equal((await post(bench, path, want, { "content-encoding": "br" })).status, 400);
  const line = `0032have ${"1".repeat(40)}\n`;
  const bomb = gzipSync(`0032want ${hash}\n0000${line.repeat(2_000_000)}`);
  assert.ok(bomb.length < 400_000);
  assert.equal((await post(bench, path, bomb, gzip)).status, 413);
});

test("other methods, types and the dumb protocol are refused, other paths are not git's", async (t) => {
  const bench = await makeBench(t);
  await pushed(bench);
  const base = `http://localhost:${bench.hub.gitPort}`;
  const get = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${base}${path}`, { ...init, headers: { authorization } })).status;
  assert.equal(await get("/webapp/info/refs"), 403);
  assert.equal(await get("/webapp/info/refs?service=git-evil"), 403);
  assert.equal(await get("/webapp/git-upload-pack"), 405);
  assert.equal(await get("/webapp/info/refs?service=git-upload-pack", { method: "DELETE" }), 405);
  assert.equal(await get("/webapp/objects/info/packs"), 404);
  assert.equal(await get("/webapp/HEAD"), 404);
  assert.equal(await get("/"), 404);
  assert.equal(await get("/%zz/info/refs?service=git-upload-pack"), 400);
  const wrongType = await post(bench, "/webapp/git-upload-pack", "0000", {
    "content-type": "text/html",
  });
  assert.equal(wrongType.status, 400);
});

test("what is neither HTTP nor TLS ends its connection only", async (t) => {
  const bench = await makeBench(t);
  const answerTo = async (bytes: string) => {
    const socket = connect(bench.hub.port, "localhost");
    let answer = "";
    socket.setEncoding("latin1").on("data", (piece: string) => (answer += piece));
    socket.write(bytes, "latin1");
    await new Promise((resolve) => {
      socket.once("close", resolve);
    });
    return answer;
  };
  assert.match(await answerTo("\x05\x01 hello\r\n\r\n"), /^HTTP\/1.1 400/);
  assert.doesNotMatch(await answerTo("\x16\x03\x01\x00\x05hello"), /HTTP/);
  await pushed(bench);
});

test("git that is told strange things in Git-Protocol still answers", async (t) => {
  const bench = await makeBench(t);
  await pushed(bench);
  for (const protocol of [
    "version=2:x",
    "version=99",
    "$(id)",
    "version=2\u00e9",
    "a".repeat(500),
  ]) {
    const answer = await fetch(
      `http://localhost:${bench.hub.gitPort}/webapp/info/refs?service=git-upload-pack`,
      { headers: { authorization, "git-protocol": protocol } },
    );
    assert.equal(answer.status, 200, protocol);
  }
});

test("another implementation of git pushes and clones", async (t) => {
  const bench = await makeBench(t);
  const dir = join(bench.folder, "iso");
  await mkdir(dir);
  await isomorphic.init({ fs, dir, defaultBranch: "master" });
  await writeFile(join(dir, "file.txt"), "from elsewhere");
  await isomorphic.add({ fs, dir, filepath: "file.txt" });
  const author = { name: "test", email: "test@localhost" };
  const hash = await isomorphic.commit({ fs, dir, message: "one", author });
  const onAuth = () => ({ username: "git", password: secret });
  const url = `http://localhost:${bench.hub.gitPort}/webapp`;
  const remote = { fs, http: isomorphicHttp, url, onAuth };
  const result = await isomorphic.push({ ...remote, dir, ref: "master" });
  assert.equal(result.ok, true);
  const copy = join(bench.folder, "copy");
  await isomorphic.clone({ ...remote, dir: copy, singleBranch: true, depth: 1 });
  assert.equal(await isomorphic.resolveRef({ fs, dir: copy, ref: "HEAD" }), hash);
  assert.equal(await readFile(join(copy, "file.txt"), "utf8"), "from elsewhere");
  const wrong = () => ({ username: "git", password: "wrong", cancel: false });
  await assert.rejects(
    isomorphic.push({
      ...remote,
      dir,
      ref: "master",
      onAuth: wrong,
      onAuthFailure: () => ({ cancel: true }),
    }),
  );
});
