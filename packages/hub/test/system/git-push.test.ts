/** Pushing with the real git: what is refused and in which words, what is deployed, what is shown meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { RolloutProgress } from "@propagit/protocol";
import isomorphic from "isomorphic-git";
import isomorphicHttp from "isomorphic-git/http/node";
import { makeBench } from "../support/real-hub.js";
import { dronePassword, makeGitBench, type GitBench } from "../support/git-bench.js";
import { secret, until } from "../support/real-git.js";

const manifest = `services:
  web: { command: node web.mjs }
deploy: { master: production, next: staging }
`;

/** What whoever pushed was shown, line by line. */
function shown(stderr: string): readonly string[] {
  return [...stderr.matchAll(/^remote: (.*?) *$/gm)].map(([, line = ""]) => line);
}

const heads = async (bench: GitBench, repo = "webapp") =>
  (await bench.git(["ls-remote", "--heads", bench.url(repo)])).stdout;

test("a push to a branch that the manifest maps is deployed, and shown to its end", async (t) => {
  const parts: RolloutProgress[] = [
    { kind: "phase", at: 0, phase: "building", text: "building on web-1" },
    { kind: "output", at: 0, drone: "web-1", text: "\u001b[31mmade it\u001b[0m" },
    { kind: "drone", at: 0, drone: "web-1", phase: "ready", port: 3000, ready: 1, wanted: 1 },
  ];
  const bench = await makeGitBench(t, {
    proxyUrl: "http://example.com:8080",
    deploy: async ({ repo, environment, commit }, { onPart }) => {
      onPart({ kind: "accepted", at: 0, repo, environment, release: 1, commit });
      parts.forEach(onPart);
      return {};
    },
  });
  const commit = await bench.commit({ "propagit.yaml": manifest });
  const { exitCode, stderr } = await bench.push("master");
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(shown(stderr), [
    `release 1 of webapp in production: ${commit.slice(0, 7)}`,
    "building on web-1",
    "web-1 |  [31mmade it [0m",
    "web-1 ready on port 3000",
    "success: release 1 of webapp in production is ready: http://webapp.example.com:8080",
  ]);
  const pushed = { repo: "webapp", by: "ann", branch: "master", commit, environment: "production" };
  assert.deepEqual(bench.deploys, [{ ...pushed, promote: undefined }]);
  assert.deepEqual(bench.moved, [{ repo: "webapp", branch: "master", commit }]);
  await bench.commit({ "other.txt": "1" });
  await bench.push("master", "master:refs/heads/feature/x", "-o", "deploy=no");
  await bench.push("--delete", "feature/x");
  assert.deepEqual(bench.moved.at(-1), {
    repo: "webapp",
    branch: "feature/x",
    commit: undefined,
  });
});

test("a deploy that fails fails `git push`, although the branch is moved", async (t) => {
  const bench = await makeGitBench(t, {
    deploy: async () => ({
      outcome: "failed",
      promoted: false,
      reason: "web-1 could not start it",
      lastLines: ["Error: no such module"],
    }),
  });
  const commit = await bench.commit({ "propagit.yaml": manifest });
  const { exitCode, stderr } = await bench.push("master");
  assert.equal(exitCode, 1);
  assert.deepEqual(shown(stderr).slice(0, 3), [
    "| Error: no such module",
    "error: FAILED: release 1 of webapp in production: web-1 could not start it",
    "hint: the push itself is taken; see propagit release show webapp 1",
  ]);
  assert.match(stderr, /\* \[new branch\] +master -> master/);
  assert.match(await heads(bench), new RegExp(`^${commit}`));
});

test("a deploy that is refused is told as well", async (t) => {
  const bench = await makeGitBench(t, {
    deploy: async () => {
      throw Object.assign(new Error("there is no drone to deploy to"), { code: "NO_DRONE" });
    },
  });
  await bench.commit({ "propagit.yaml": manifest });
  const { exitCode, stderr } = await bench.push("master");
  assert.equal(exitCode, 1);
  assert.match(stderr, /remote: error: FAILED: /);
});

test("a wrong manifest is refused with line and column, and leaves nothing behind", async (t) => {
  const bench = await makeGitBench(t);
  await bench.commit({ "propagit.yaml": "services:\n  web: { comand: node web.mjs }\n" });
  const { exitCode, stderr } = await bench.push("master");
  assert.equal(exitCode, 1);
  assert.match(stderr, /remote: error: .*propagit\.yaml:2:\d+: .*comand/);
  assert.match(stderr, /remote: hint: .*propagit check/);
  const folder = join(bench.folder, "hub/repos/webapp.git");
  await until("the repository to be gone", () => !fs.existsSync(folder));
  const past = await bench.push("-o", "deploy=no", "master");
  assert.equal(past.exitCode, 0, past.stderr);
  assert.deepEqual(bench.deploys, []);
});

test("push options choose where, whether and how; unknown ones are refused with the list", async (t) => {
  const bench = await makeGitBench(t);
  await bench.commit({ "propagit.yaml": manifest });
  await bench.push("-o", "deploy=no", "master");
  await bench.push("-o", "env=staging", "-o", "promote=no", "master:other");
  await bench.push("-o", "promote=no", "master:next");
  const told = bench.deploys.map(({ environment, promote }) => [environment, promote]);
  assert.deepEqual(told, [
    ["staging", false],
    ["staging", false],
  ]);
  const unknown = ["deploy=maybe", "environment=x", "ci.skip", "deploy", "env=Bad--Name"];
  for (const option of unknown) {
    const { exitCode, stderr } = await bench.push("-o", option, "master:refused");
    assert.equal(exitCode, 1, option);
    assert.match(stderr, /remote: error: (push option|environment name)/, option);
  }
  const { stderr } = await bench.push("-o", "ci.skip", "master:refused");
  assert.match(stderr, /remote: hint: these are known: -o deploy=no, -o env=ENVIRONMENT/);
  const both = await bench.push("-o", "env=staging", "master:a", "master:b");
  assert.match(both.stderr, /is for one branch, and these were pushed: a, b/);
  assert.doesNotMatch(await heads(bench), /refused|\/a|\/b/);
});

test("several branches of one push are deployed each where it goes, and told apart", async (t) => {
  const bench = await makeGitBench(t);
  await bench.commit({ "propagit.yaml": manifest });
  const { exitCode, stderr } = await bench.push("master", "master:next", "master:feature/x");
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(bench.deploys.map(({ environment }) => environment).sort(), [
    "production",
    "staging",
  ]);
  assert.ok(shown(stderr).some((line) => line.startsWith("[next] success: ")));
  assert.ok(shown(stderr).some((line) => line.startsWith("[master] success: ")));
});

test("what is mapped nowhere is not deployed, and it is said what to type", async (t) => {
  const bench = await makeGitBench(t);
  await bench.commit({ "propagit.yaml": manifest });
  const { stderr } = await bench.push("master:feature/x");
  assert.deepEqual(shown(stderr), [
    "hint: nothing is deployed by itself; to run it: propagit deploy webapp feature/x",
  ]);
  await bench.good(["tag", "-a", "v1", "-m", "one"], { cwd: "work" });
  assert.deepEqual(shown((await bench.push("v1")).stderr), []);
  assert.deepEqual(shown((await bench.push("--delete", "feature/x")).stderr), []);
  assert.deepEqual(bench.deploys, []);
});

test("lines come while they are said, and ^C leaves the deploy running", async (t) => {
  let finish = () => undefined as void;
  let isOver = false;
  let wasLeft = false;
  const bench = await makeGitBench(t, {
    deploy: async (_, { onPart, signal }) => {
      signal.addEventListener("abort", () => (wasLeft = true));
      onPart({ kind: "note", at: 0, text: "here we are" });
      await new Promise<void>((resolve) => (finish = resolve));
      isOver = true;
      return {};
    },
  });
  await bench.commit({ "propagit.yaml": manifest });
  const env = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
  const cwd = join(bench.folder, "work");
  const child = spawn("git", ["push", bench.url("webapp"), "master"], { cwd, env, detached: true });
  let heard = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (heard += text));
  await until("the line to come", () => heard.includes("remote: here we are"));
  // As a terminal does: to git and its helpers.
  process.kill(-(child.pid ?? assert.fail()), "SIGINT");
  await until("the hub to see it", () => wasLeft);
  assert.equal(isOver, false);
  assert.match(await heads(bench), /refs\/heads\/master/);
  // Nobody is waited for who has gone, so nothing stands in the way of the next push.
  await bench.commit({ "file.txt": "two" }, "two");
  const { exitCode, stderr } = await bench.push("-o", "deploy=no", "master");
  assert.equal(exitCode, 0, stderr);
  finish();
  await until("the deploy to end", () => isOver);
});

test("a hub that ends lets those who watch go, with the push taken", async (t) => {
  let began = false;
  const bench = await makeGitBench(t, {
    deploy: () => {
      began = true;
      return new Promise(() => undefined);
    },
  });
  await bench.commit({ "propagit.yaml": manifest });
  const pushing = bench.push("master");
  await until("the deploy to begin", () => began);
  // Would wait for ever for who watches a deploy that never ends.
  await bench.stop();
  assert.match((await pushing).stderr, /\* \[new branch\] +master -> master/);
});

test("another implementation of git pushes, deploys, and is shown what happens", async (t) => {
  let outcome: "ready" | "failed" = "ready";
  const bench = await makeGitBench(t, { deploy: async () => ({ outcome, reason: "it broke" }) });
  await bench.commit({ "propagit.yaml": manifest });
  let heard = "";
  const remote = {
    fs,
    onMessage: (text: string) => void (heard += text),
    dir: join(bench.folder, "work"),
    http: isomorphicHttp,
    url: `http://localhost:${bench.port}/webapp`,
    onAuth: () => ({ username: "ann", password: secret }),
  };
  const { ok } = await isomorphic.push({ ...remote, ref: "master" });
  assert.equal(ok, true);
  outcome = "failed";
  await bench.commit({ "file.txt": "two" }, "two");
  // It takes a failure that comes after the refs for a message.
  await isomorphic.push({ ...remote, ref: "master" });
  assert.match(
    heard,
    /success: release 1 .*error: FAILED: release 2 of webapp in production: it broke/s,
  );
  assert.equal(bench.deploys.length, 2);
});

test("a drone pushes what it built beside its commit, once, and nothing else", async (t) => {
  const bench = await makeGitBench(t);
  const commit = await bench.commit({ "propagit.yaml": manifest });
  await bench.push("-o", "deploy=no", "master");
  await bench.commit({ "dist/out.js": "built" }, "build");
  const url = bench.url("webapp", dronePassword);
  const push = (...args: string[]) => bench.git(["push", url, ...args], { cwd: "work" });
  const ref = `refs/propagit/builds/${commit}-${"a".repeat(16)}`;
  assert.equal((await push(`HEAD:${ref}`)).exitCode, 0);
  const artifact = await bench.good(["rev-parse", "HEAD"], { cwd: "work" });
  const commitOf = new Map([[artifact, commit]]);
  assert.deepEqual(await bench.repositories.artifacts("webapp" as never), commitOf);
  assert.equal((await push(`HEAD:${ref}`)).exitCode, 0, "the same once more is nothing new");
  await bench.good(["commit", "--quiet", "--amend", "-m", "other"], { cwd: "work" });
  const refused = [
    `+HEAD:${ref}`,
    `:${ref}`,
    "HEAD:refs/heads/other",
    `HEAD:refs/propagit/deployed/${commit}`,
    `HEAD:refs/propagit/builds/${"b".repeat(40)}-${"a".repeat(16)}`,
    `HEAD~1:refs/propagit/builds/${commit}-${"c".repeat(16)}`,
  ];
  for (const refspec of refused) assert.equal((await push(refspec)).exitCode, 1, refspec);
  const nowhere = await bench.git(["push", bench.url("nope", dronePassword), `HEAD:${ref}`], {
    cwd: "work",
  });
  assert.notEqual(nowhere.exitCode, 0);
  assert.equal(fs.existsSync(join(bench.folder, "hub/repos/nope.git")), false);
  assert.deepEqual(bench.deploys, []);
});

test("what drones built is hidden from people, and every drone can fetch it by its hash", async (t) => {
  const bench = await makeGitBench(t);
  const commit = await bench.commit({ "propagit.yaml": manifest });
  await bench.push("-o", "deploy=no", "master");
  await bench.commit({ "dist/out.js": "built" }, "build");
  const ref = `refs/propagit/builds/${commit}-${"a".repeat(16)}`;
  await bench.good(["push", bench.url("webapp", dronePassword), `HEAD:${ref}`], { cwd: "work" });
  const artifact = await bench.good(["rev-parse", "HEAD"], { cwd: "work" });
  assert.doesNotMatch(await bench.good(["ls-remote", bench.url("webapp")]), /propagit/);
  assert.equal((await bench.push(`HEAD:${ref}`)).exitCode, 1);
  await bench.good(["init", "--quiet", "--bare", "other"]);
  for (const version of ["0", "2"]) {
    const fetch = ["-c", `protocol.version=${version}`, "fetch", "--quiet", "--depth=1"];
    const url = bench.url("webapp", dronePassword);
    await bench.good([...fetch, url, artifact], { cwd: "other" });
  }
  await bench.repositories.releaseArtifacts("webapp" as never, new Set([artifact as never]));
  assert.equal((await bench.repositories.artifacts("webapp" as never)).size, 0);
});

test("a whole hub without drones takes the push, and says that nothing could run it", async (t) => {
  const hub = await makeBench(t);
  await hub.commit("work", "one");
  await writeFile(join(hub.folder, "work/propagit.yaml"), manifest);
  await hub.good(["add", "."], { cwd: "work" });
  await hub.good(["commit", "--quiet", "-m", "manifest"], { cwd: "work" });
  const { exitCode, stderr } = await hub.git(["push", hub.url("webapp"), "master"], {
    cwd: "work",
  });
  assert.equal(exitCode, 1);
  assert.match(stderr, /remote: error: FAILED: .*drone/);
  assert.match(stderr, /remote: hint: /);
  const events = await hub.events();
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["pushed"],
  );
});
