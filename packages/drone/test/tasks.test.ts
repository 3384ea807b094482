import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { identifyProcess } from "@propagit/runtime";
import type { Specified } from "../src/world.js";
import { ask, openParts, paramsOf, shell, specify, type Parts } from "./support/parts.js";
import { openPlace, type Place } from "./support/place.js";
import { runGit } from "./support/run-git.js";
import { until } from "./support/until.js";

const program = fileURLToPath(import.meta.resolve("./support/task-process.js"));

interface Bench extends Place {
  readonly parts: Parts;
  readonly sha: string;
  /** The next life of the drone. */
  readonly again: (specified?: Specified) => Promise<Parts>;
  readonly url: string;
}

async function openBench(t: TestContext, specified: Specified): Promise<Bench> {
  const place = await openPlace(t);
  const sha = await place.commit({ "web.js": "listen()\n", ".gitignore": "dist\n" });
  const url = `file://${place.hub}`;
  const lives: Parts[] = [];
  const again = async (other = specified) => {
    const parts = await openParts({ folder: place.folder, url, specified: other });
    lives.push(parts);
    return parts;
  };
  t.after(async () => {
    for (const { tasks } of lives) await tasks.stop("end");
  });
  return { ...place, sha, url, again, parts: await again() };
}

/** What the hub has of builds. */
async function buildsAt(hub: string): Promise<string[]> {
  const format = "--format=%(refname) %(objectname)";
  const text = await runGit(hub, "for-each-ref", format, "refs/propagit/builds");
  return text.split("\n").filter((line) => line !== "");
}

test("builds a commit, and the hub has what came out of it", async (t) => {
  const build = { command: shell("mkdir dist; echo $COMMIT $CI $KEY > dist/out; echo built") };
  const { parts, sha, hub, folder } = await openBench(t, specify({ build }, { KEY: "config" }));
  const { result, lines } = ask(parts, paramsOf("build", sha));

  const { artifact, tookMs, ...rest } = await result;
  assert.deepEqual(rest, { outcome: "done", lastLines: ["built"] });
  assert.ok(tookMs > 0);
  assert.deepEqual(lines, ["built"]);
  const [only = "", ...others] = await buildsAt(hub);
  assert.match(only, new RegExp(`^refs/propagit/builds/${sha}-[0-9a-f]{16} ${artifact}$`));
  assert.deepEqual(others, []);
  assert.equal(await runGit(hub, "show", `${artifact}:dist/out`), `${sha} true config\n`);
  await until("no folder is left", async () =>
    (await readdir(join(folder, "builds", "webapp"))).every((name) => name === "cache"),
  );
});

test("never runs the same task twice, and gives its output and result to whoever asks", async (t) => {
  const { parts, sha, again } = await openBench(
    t,
    specify({ release: { command: shell("echo one; cat; echo two; exit 3 <&-") } }),
  );
  const params = paramsOf("release", sha);
  const [first, second] = [ask(parts, params), ask(parts, params)];
  const result = await first.result;
  assert.deepEqual(await second.result, result);
  assert.deepEqual(
    { ...result, tookMs: 0 },
    {
      outcome: "failed",
      reason: "the release command exited with code 3",
      lastLines: ["one", "two"],
      tookMs: 0,
    },
  );

  const third = ask(parts, params);
  assert.deepEqual(await third.result, result);
  const later = ask(await again(), params);
  assert.deepEqual(await later.result, result);
  for (const { lines } of [first, second, third, later]) assert.deepEqual(lines, ["one", "two"]);
});

test("goes on when its caller has gone, and tells the next one what was said", async (t) => {
  const script = "echo begun; until [ -e ../../../../gate ]; do sleep 0.02; done; echo over";
  const { parts, sha, base } = await openBench(t, specify({ test: { command: shell(script) } }));
  const first = ask(parts, paramsOf("test", sha));
  await until("begun", () => first.lines.length > 0);
  first.leave();
  await assert.rejects(first.result, { code: "LINK_LOST" });

  const second = ask(parts, paramsOf("test", sha));
  await until("told again", () => second.lines.length > 0);
  await writeFile(join(base, "gate"), "");

  assert.equal((await second.result).outcome, "done");
  assert.deepEqual(second.lines, ["begun", "over"]);
});

test("ends the whole group when it is cancelled or takes too long, also what ignores it", async (t) => {
  const script = "trap '' TERM; sleep 1000 & echo $!; echo $$; wait; sleep 1000";
  const { parts, sha } = await openBench(
    t,
    specify({
      test: { command: shell(script) },
      release: { command: shell(script), timeoutMs: 3_000 },
    }),
  );
  const cancelled = ask(parts, paramsOf("test", sha));
  const late = ask(parts, paramsOf("release", sha));
  await until("both run", () => cancelled.lines.length === 2 && late.lines.length === 2);
  await parts.tasks.handlers["drone.cancel-task"]?.({ id: "test1" }, undefined as never);

  assert.equal((await cancelled.result).reason, "the test command was cancelled");
  assert.equal(
    (await late.result).reason,
    "the release command took longer than 3 s and was ended",
  );
  for (const pid of [...cancelled.lines, ...late.lines]) {
    assert.equal(await identifyProcess(Number(pid)), undefined);
  }
});

test("is not run at all when it is cancelled while another build of the repo holds the place", async (t) => {
  const { parts, sha, base } = await openBench(
    t,
    specify({ build: { command: shell("echo $PROCESS_ID >> ../../../../ran; sleep 0.3") } }),
  );
  const first = ask(parts, paramsOf("build", sha, { id: "b1" }));
  await until("the first runs", () => readFile(join(base, "ran")).catch(() => undefined));
  const second = ask(parts, paramsOf("build", sha, { id: "b2" }));
  const third = ask(parts, paramsOf("build", sha, { id: "b3" }));
  await parts.tasks.handlers["drone.cancel-task"]?.({ id: "b2" }, undefined as never);

  assert.equal((await second.result).reason, "the build command was cancelled");
  assert.equal((await first.result).outcome, "done");
  assert.equal((await third.result).outcome, "done");
  assert.deepEqual(await readFile(join(base, "ran"), "utf8"), "b1\nb3\n");
});

test("gives a build the caches of the one before, but none of one that was killed", async (t) => {
  const script =
    "cat node_modules/count 2>/dev/null; mkdir -p node_modules; echo x >> node_modules/count; " +
    "[ ! -e slow ] || { touch node_modules/half; echo waits; sleep 1000; }; [ ! -e bad ]";
  const build = { command: shell(script), cache: ["node_modules", "../out", "/etc", "missing"] };
  const { parts, sha, commit } = await openBench(
    t,
    specify({ build: { ...build, exclude: ["node_modules"] } }),
  );
  const said = async (id: string, commitOf = sha) => {
    const asked = ask(parts, paramsOf("build", commitOf, { id }));
    return [(await asked.result).outcome, ...asked.lines];
  };
  assert.deepEqual(await said("c1"), ["done"]);
  assert.deepEqual(await said("c2"), ["done", "x"]);
  const bad = await commit({ bad: "" });
  assert.deepEqual(await said("c3", bad), ["failed", "x", "x"]);
  const slow = await commit({ slow: "" });
  const killed = ask(parts, paramsOf("build", slow, { id: "c4" }));
  await until("it waits", () => killed.lines.includes("waits"));
  await parts.tasks.handlers["drone.cancel-task"]?.({ id: "c4" }, undefined as never);
  assert.equal((await killed.result).outcome, "failed");
  assert.deepEqual(await said("c5"), ["done"]);
});

test("keeps caches inside the folder, wherever links of the commit lead", async (t) => {
  const build = { command: shell("echo built"), cache: ["out/a/b", "out/cache"] };
  const { parts, base, commit } = await openBench(t, specify({ build }));
  const outside = join(base, "outside");
  await mkdir(join(outside, "cache"), { recursive: true });
  const linked = await commit({ out: `-> ${outside}` });
  assert.equal((await ask(parts, paramsOf("build", linked)).result).outcome, "done");
  assert.deepEqual(await readdir(outside), ["cache"]);
});

test("tells little of a flood, and keeps its beginning and end", async (t) => {
  const flood =
    "yes 0123456789012345678901234567890123456789 | head -c 100000000; echo; echo the end";
  const { parts, sha } = await openBench(
    t,
    specify({ test: { command: shell(`echo first; ${flood}`) } }),
  );
  const { result, lines } = ask(parts, paramsOf("test", sha));
  const { outcome, lastLines } = await result;
  assert.equal(outcome, "done");
  assert.equal(lines[0], "first");
  assert.ok(lines.some((line) => /^… \d+ MB left out …$/.test(line)));
  assert.ok(lines.join("\n").length < 2_000_000);
  assert.equal(lines.at(-1), "the end");
  assert.equal(lastLines.at(-1), "the end");
});

test("tries again while the hub is away", async (t) => {
  const { parts, sha, hub } = await openBench(
    t,
    specify({ build: { command: shell("echo built") } }),
  );
  const { source } = parts.hub;
  let asked = 0;
  parts.hub.source = async () => {
    asked++;
    // Away for the fetch, then for the push.
    if (asked % 2 === 1) return { url: "http://127.0.0.1:1/webapp", password: undefined };
    return source();
  };
  assert.equal((await ask(parts, paramsOf("build", sha)).result).outcome, "done");
  assert.equal((await buildsAt(hub)).length, 1);
  assert.equal(asked, 4);
});

test("fails with the hub's words when it refuses the artifact, and of a commit that is nowhere", async (t) => {
  const { parts, sha, hub } = await openBench(t, specify({ build: { command: shell("true") } }));
  await writeFile(join(hub, "hooks/pre-receive"), "#!/bin/sh\necho no builds today; exit 1\n", {
    mode: 0o755,
  });
  const refused = await ask(parts, paramsOf("build", sha)).result;
  assert.match(
    refused.reason ?? "",
    /^the build command could not be carried out: git push failed: .*no builds today/,
  );
  const missing = await ask(parts, paramsOf("build", "1".repeat(40), { id: "b2" })).result;
  assert.match(missing.reason ?? "", /not our ref/);
});

test("outlives its drone, and the next life finishes what it began", async (t) => {
  const build = { command: shell("echo begun; sleep 0.7; echo built | tee out") };
  const bench = await openBench(t, specify({ build }));
  const { parts, sha, hub, again } = bench;
  const first = ask(parts, paramsOf("build", sha));
  await until("begun", () => first.lines.includes("begun"));
  await parts.tasks.stop("leave");
  await assert.rejects(first.result, { code: "LINK_LOST" });

  const second = ask(await again(), paramsOf("build", sha));
  const { outcome, artifact } = await second.result;

  assert.equal(outcome, "done");
  assert.deepEqual(second.lines, ["begun", "built"]);
  assert.equal(await runGit(hub, "show", `${artifact}:out`), "built\n");
});

test("finds out in its next life how a task ended meanwhile, or that nobody saw it", async (t) => {
  const { parts, sha, again } = await openBench(
    t,
    specify({
      release: { command: shell("echo $$; sleep 0.4; exit 5") },
      test: { command: shell("echo $PPID; sleep 1000") },
    }),
  );
  const ended = ask(parts, paramsOf("release", sha));
  const killed = ask(parts, paramsOf("test", sha));
  await until("both run", () => ended.lines.length > 0 && killed.lines.length > 0);
  await parts.tasks.stop("leave");
  process.kill(-Number(killed.lines[0]), "SIGKILL");
  await until(
    "the release command is gone",
    async () => !(await identifyProcess(Number(ended.lines[0]))),
  );

  const next = await again();

  assert.equal(
    (await ask(next, paramsOf("release", sha)).result).reason,
    "the release command exited with code 5",
  );
  const { outcome, reason } = await ask(next, paramsOf("test", sha)).result;
  assert.equal(outcome, "interrupted");
  assert.match(
    reason ?? "",
    /^the test command was interrupted: the drone or its machine went down/,
  );
});

test("takes away in its next life what a task left whose drone was killed right behind its end", async (t) => {
  const bench = await openBench(t, specify({ test: { command: shell("echo fine") } }));
  const { parts, sha, folder, again } = bench;
  const params = paramsOf("test", sha);
  await ask(parts, params).result;
  await parts.tasks.stop("leave");
  const files = [`${params.id}.out`, `${params.id}.exit`];
  for (const name of files) await writeFile(join(folder, "tasks", name), "0 end\n");

  const { lines, result } = ask(await again(), params);

  assert.equal((await result).outcome, "done");
  assert.deepEqual(lines, ["fine"]);
  const left = await readdir(join(folder, "tasks"));
  assert.deepEqual(
    left.filter((name) => files.includes(name)),
    [],
  );
});

test("is clean and goes on in the next life, wherever kill -9 met it", async (t) => {
  const build = {
    command: shell(
      "echo ran >> ../../../../ran; mkdir dist; head -c 1000000 /dev/urandom > dist/big; cp dist/big deps",
    ),
    cache: ["deps"],
    exclude: ["deps", "dist/big"],
  };
  const specified = specify({ build });
  const bench = await openBench(t, specified);
  const { base, folder, url, hub } = bench;
  await bench.parts.tasks.stop();
  for (let number = 0; number < 8; number++)
    await appendFile(join(bench.work, "bulk"), `${number}\n`.repeat(50_000));
  const sha = await bench.commit({});
  const outcomes: string[] = [];
  for (let round = 0; round < 7; round++) {
    await writeFile(join(base, "ran"), "");
    const params = paramsOf("build", sha, { id: `k${round}` });
    const child = spawn(process.execPath, [
      program,
      JSON.stringify({ folder, url, specified }),
      JSON.stringify(params),
    ]);
    // Killed at another moment each time, from the first look at the disk to after the end.
    await new Promise((resolve) => {
      child.stdout.once("data", resolve);
      child.once("exit", resolve);
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), round * round * 20);
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.stdout.on("data", (data: Buffer) => {
        if (data.includes("outcome")) child.kill("SIGKILL");
      });
    });
    clearTimeout(limit);

    const next = await openParts({ folder, url, specified });
    const { outcome, artifact } = await ask(next, params).result;
    await next.tasks.stop();
    outcomes.push(outcome);
    assert.ok(
      (await readFile(join(base, "ran"), "utf8")).length <= "ran\n".length,
      `round ${round} ran twice`,
    );
    if (outcome !== "done") continue;
    assert.ok((await buildsAt(hub)).some((line) => line.endsWith(` ${artifact}`)));
    await next.commits.trash.emptied();
    const left = await readdir(join(folder, "builds", "webapp"));
    assert.deepEqual(
      left.filter((name) => name !== "cache"),
      [],
    );
    const files = await readdir(join(folder, "tasks"));
    assert.deepEqual(
      files.filter((name) => !/\.(?:json|log)$/.test(name)),
      [],
    );
  }
  assert.ok(outcomes.filter((outcome) => outcome === "done").length >= 5, outcomes.join(" "));
  execFileSync("git", ["fsck", "--strict", "--connectivity-only"], {
    cwd: join(folder, "repos", "webapp.git"),
    stdio: "ignore",
  });
});
