/** Commands on services, with managers that the test plays, and their time on a virtual clock. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { deferred, SimClock } from "@propagit/runtime";
import { argsOf, type Executed, type Host } from "../../src/index.js";
import { hostWithServices } from "../support/fake-services.js";
import { temporaryFolder } from "../support/folders.js";
import { carryOut, commandOf, outcomeOf } from "../support/tool-box.js";

/** A host on which every program ends as `answer` says. */
function answering(answer: (words: readonly string[]) => Partial<Executed>): Host {
  return {
    name: "fe001",
    execute: async (words) => ({ code: 0, output: "", errorOutput: "", ...answer(words) }),
    put: () => Promise.reject(new Error("nothing is put")),
    exists: () => Promise.resolve(false),
    request: () => Promise.reject(new Error("nothing is asked")),
    send: () => Promise.reject(new Error("nothing is sent")),
  };
}

const activating = answering(() => ({ code: 3, output: "activating\n" }));

describe("check-service", () => {
  it("says every 30 s how the service is, and fails with that in the end", async () => {
    const clock = new SimClock();
    const said: string[] = [];
    const given = { host: activating, clock, say: (line: string) => said.push(line) };
    const check = carryOut("check-service", { service: "app", within: "100s" }, given);
    const failed = assert.rejects(check, {
      code: "TASK_FAILED",
      message: "app on fe001 is activating, after 100 s",
    });
    await clock.advance(101_000);
    await failed;
    assert.deepEqual(said, [
      "app on fe001 is activating, after 30 s",
      "app on fe001 is activating, after 60 s",
      "app on fe001 is activating, after 90 s",
    ]);
  });

  it("is done once it is so, and unchanged when it was so", async () => {
    const clock = new SimClock();
    let looks = 0;
    const host = answering(() => ({ code: ++looks < 5 ? 3 : 0 }));
    const check = outcomeOf("check-service", { service: "app" }, { host, clock });
    await clock.advance(10_000);
    assert.equal(await check, "done");
    assert.equal(
      await outcomeOf("check-service", { service: "app" }, { host, clock }),
      "unchanged",
    );
    const stopped = { service: "app", state: "stopped" };
    assert.equal(
      await outcomeOf("check-service", stopped, { host: activating, clock }),
      "unchanged",
    );
  });

  it("fails at once when it cannot be known, as of a service that there is not", async () => {
    const host = answering(() => ({ code: 4, output: "inactive\n" }));
    const message = /cannot be known whether app runs: inactive/;
    await assert.rejects(carryOut("check-service", { service: "app" }, { host }), { message });
  });

  it("ends when it is told to", async () => {
    const abort = new AbortController();
    const given = { host: activating, clock: new SimClock(), signal: abort.signal };
    const check = carryOut("check-service", { service: "app" }, given);
    setImmediate(() => abort.abort());
    await assert.rejects(check, { message: /activating, and it was ended/ });
  });
});

describe("stop-service with killAfter", () => {
  /** Runs until it is killed; its stop comes back when that is so. */
  function stubborn(calls: string[], { dies = true } = {}): Host {
    const killed = deferred<void>();
    let runs = true;
    const acting = answering(() => ({ code: runs ? 0 : 3 }));
    return {
      ...acting,
      execute: async (words, options) => {
        if (words.includes("is-active") || words.includes("status"))
          return acting.execute(words, options);
        calls.push(words.slice(1).join(" "));
        if (words.includes("stop")) await killed.promise;
        else {
          runs = !dies;
          killed.resolve();
        }
        return { code: 1, output: "", errorOutput: "it was killed" };
      },
    };
  }

  const args = { service: "app", killAfter: "30s", within: "10s" };

  it("kills what has not stopped by then, while its manager still waits", async () => {
    const clock = new SimClock();
    const [calls, said]: string[][] = [[], []];
    const given = { host: stubborn(calls ?? []), clock, say: (line: string) => said?.push(line) };
    const stop = carryOut("stop-service", args, given);
    await clock.advance(29_000);
    assert.deepEqual(calls, ["stop -- app"]);
    await clock.advance(5_000);
    assert.deepEqual(await stop, { outcome: "done", note: "killed" });
    assert.deepEqual(calls, ["stop -- app", "kill --signal=SIGKILL -- app"]);
    assert.ok(said?.includes("app on fe001 is running, after 30 s: it is killed"), said?.join());
  });

  it("fails with what the manager said when that did not help either", async () => {
    const clock = new SimClock();
    const host = stubborn([], { dies: false });
    const failed = assert.rejects(carryOut("stop-service", args, { host, clock }), {
      message: "fe001: kill of app failed: it was killed",
    });
    await clock.advance(60_000);
    await failed;
  });

  it("kills nothing that stops by itself, and tells when that failed", async (t) => {
    const { host, state } = await hostWithServices(await temporaryFolder(t));
    for (const manager of ["systemd", "supervisord"]) {
      await writeFile(join(state, "app"), "");
      const end = await carryOut("stop-service", { ...args, manager }, { host });
      assert.deepEqual(end, { outcome: "done" });
    }
    assert.ok(!/kill|KILL/.test(await readFile(join(state, "calls"), "utf8")));
    const folder = await temporaryFolder(t);
    const own = { run: `rm '${folder}/a'; exit 7`, check: `test -e '${folder}/a'`, kill: "true" };
    await writeFile(join(folder, "a"), "");
    const message = "fe001: stop of app failed: it ended with 7";
    await assert.rejects(carryOut("stop-service", { ...args, ...own }, { host }), { message });
  });

  it("kills in the words of systemd, of supervisord and of one's own", async (t) => {
    const { host, state } = await hostWithServices(await temporaryFolder(t));
    const soon = { service: "app", killAfter: "0s" };
    const mark = join(state, "app");
    await writeFile(mark, "");
    await writeFile(`${mark}.stubborn`, "");
    assert.equal(await outcomeOf("stop-service", soon, { host }), "done");
    await writeFile(mark, "");
    const run = `while [ -e '${mark}' ]; do sleep 0.05; done`;
    const own = { run, check: `test -e '${mark}'`, kill: ["rm", mark] };
    assert.equal(await outcomeOf("stop-service", { ...soon, ...own }, { host }), "done");
    const [calls, clock]: [string[], SimClock] = [[], new SimClock()];
    const given = { host: stubborn(calls), clock };
    const stop = outcomeOf("stop-service", { ...soon, manager: "supervisord" }, given);
    await clock.advance(1_000);
    assert.equal(await stop, "done");
    assert.deepEqual(calls, ["stop app", "signal KILL app"]);
    for (const half of [{ kill: "true" }, { run: "true", check: "true", killAfter: "1s" }]) {
      const wrong = { service: "app", ...half };
      assert.throws(() => argsOf(commandOf("stop-service"), wrong), { message: /`kill/ });
    }
  });
});

describe("services", () => {
  it("that are neither enabled nor disabled stay so, and their task fails with what they are", async (t) => {
    const { host } = await hostWithServices(await temporaryFolder(t));
    for (const [service, message] of [
      ["fixed", /^fe001: fixed is static$/],
      ["nowhere", /^fe001: nowhere is Failed to get unit file state/],
    ] as const) {
      for (const command of ["enable-service", "disable-service"]) {
        await assert.rejects(carryOut(command, { service }, { host }), { message });
      }
    }
  });

  it("of supervisord are started, stopped and reloaded in its words", async (t) => {
    const { host, state } = await hostWithServices(await temporaryFolder(t));
    const args = { service: "web:web-1", manager: "supervisord" };
    for (const verb of ["start", "stop", "restart", "reload"]) {
      assert.equal(await outcomeOf(`${verb}-service`, args, { host }), "done");
    }
    const calls = (await readFile(join(state, "calls"), "utf8")).trim().split("\n");
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("supervisorctl status")),
      ["start", "stop", "restart", "signal HUP"].map((verb) => `supervisorctl ${verb} web:web-1`),
    );
  });

  it("may be a pair of programs of one's own", async (t) => {
    const folder = await temporaryFolder(t);
    const args = {
      service: "own",
      run: `touch '${folder}/runs'`,
      check: `test -e '${folder}/runs'`,
    };
    assert.equal(await outcomeOf("start-service", args), "done");
    assert.equal(await outcomeOf("start-service", args), "unchanged");
    const half = { service: "own", run: "true" };
    assert.throws(() => argsOf(commandOf("start-service"), half), { message: /takes both/ });
  });

  it("that do not start fail with what the manager says", async (t) => {
    const { host } = await hostWithServices(await temporaryFolder(t));
    await assert.rejects(carryOut("start-service", { service: "broken" }, { host }), {
      code: "TASK_FAILED",
      message: "fe001: start of broken failed: Job for broken.service failed.",
    });
    const reload = { service: "stopped" };
    await assert.rejects(carryOut("reload-service", reload, { host }), { code: "TASK_FAILED" });
  });

  it("have names that no program takes for one of its flags", () => {
    for (const service of ["-rf", "--now", "a b", "a;b", ""]) {
      assert.throws(() => argsOf(commandOf("stop-service"), { service }), { code: "BAD_PLAN" });
    }
  });

  it("are not stopped when they are not there", async (t) => {
    const { host, state } = await hostWithServices(await temporaryFolder(t));
    await writeFile(join(state, "calls"), "");
    await assert.rejects(carryOut("stop-service", { service: "nowhere" }, { host }), {
      code: "TASK_FAILED",
    });
    assert.ok(!(await readFile(join(state, "calls"), "utf8")).includes("stop"));
  });
});
