/** What is asked for directly: each change is a plan, listed with who asked, and carried on when its hub is killed. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  runCli,
  until,
  WorkTree,
  type Finished,
} from "@propagit/test-support";

describe("changes that are asked for directly", () => {
  let cluster: Cluster;
  let hub: DaemonProcess;

  before(async () => {
    cluster = await Cluster.create();
    hub = await cluster.startHub({ ownRegistry: true });
    for (const name of ["a", "b", "c"]) {
      const data = `--data=${join(cluster.folder, name)}`;
      await cluster.startDrone([], [`--name=${name}`, `--label=zone=${name}`, data]);
    }
    const tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", "services:\n  job: { command: sleep 1d, port: none }\n");
    for (const commit of ["one", "two", "three"]) {
      await tree.write("more.txt", commit);
      await tree.commit(commit);
      await tree.git("push", `http://localhost:${cluster.ports.hub}/app`, `HEAD:${commit}`);
      const deployed = await cluster.propagit("deploy", "app", commit);
      assert.equal(deployed.exitCode, exitCodes.ok, deployed.stderr);
    }
    const back = await cluster.propagit("promote", "app", "1");
    assert.equal(back.exitCode, exitCodes.ok, back.stderr);
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const plan = (...words: readonly string[]): Promise<Finished> =>
    runCli("propagit", ["plan", ...words, ...cluster.hubFlags], cluster.env);

  /** Newest first: by, name, how it ended. */
  async function listed(): Promise<readonly string[]> {
    const { stdout } = await cluster.propagit("plans", "--json");
    const plans = JSON.parse(stdout) as {
      by: string;
      name: string;
      state: string;
      outcome?: string;
    }[];
    return plans.map(({ by, name, state, outcome = state }) => `${by}: ${name}: ${outcome}`);
  }

  it("lists what is asked for directly as plans, with who did it", async () => {
    const env = { ...cluster.env, PROPAGIT_BY: "ann" };
    const ask = async (...words: readonly string[]) => {
      const done = await runCli("propagit", [...words, ...cluster.hubFlags], env);
      assert.equal(done.exitCode, exitCodes.ok, done.stdout + done.stderr);
      return done.stdout;
    };
    assert.match(await ask("promote", "app", "3"), /app/);
    assert.match(await ask("stop", "app", "1"), /is stopped/);
    assert.match(await ask("drone", "undrain", "b"), /b takes instances/);
    assert.match(await ask("drone", "drain", "b"), /b is drained; it runs 0 instances/);
    assert.match(await ask("drone", "undrain", "b"), /b takes instances/);
    assert.deepEqual((await listed()).slice(0, 4), [
      "ann: undrain b: done",
      "ann: drain b: done",
      "ann: stop app release 1 in production: done",
      "ann: promote app release 3 in production: done",
    ]);
    const again = await runCli("propagit", ["stop", "app", "1", ...cluster.hubFlags], env);
    assert.equal(again.exitCode, exitCodes.notFound, again.stdout);
    const routed = await runCli("propagit", ["stop", "app", "3", ...cluster.hubFlags], env);
    assert.equal(routed.exitCode, exitCodes.conflict, routed.stdout);
    assert.match((await listed())[0] ?? "", /^ann: undrain b/);
  });

  it("shows what split, pin, stop of instances, start and restart would do, and does it as plans", async () => {
    const drone = "--drone=a";
    const changes: readonly (readonly [
      words: readonly [string, ...string[]],
      would: RegExp,
      name: string,
    ])[] = [
      [
        ["split", "app", "3=90", "2=10"],
        /would send visitors by weight: 90 to release 3 of app, 10 to release 2 of app/,
        "split app in production: release 3 90, release 2 10",
      ],
      [["pin", "app", "2"], /would keep release 2 of app/, "pin release 2 of app in production"],
      [["unpin", "app", "2"], /would leave release 2/, "unpin release 2 of app in production"],
      [
        ["stop", "app@3", drone],
        /just now these are 1 instance on a/,
        "stop instances of app@3, on a",
      ],
      [["start", "app@3", drone], /1 instance on a/, "start instances of app@3, on a"],
      [["restart", "app@3", drone], /would restart/, "restart instances of app@3, on a"],
      [
        ["experiment", "start", "app", "header", "--variant=a=9", "--variant=b=1:2"],
        /would begin experiment header of app: 9 get a, 1 get b \(release 2 of app\)/,
        "experiment header of app",
      ],
      [
        ["experiment", "stop", "app", "header", "--promote=b"],
        /would end experiment header of app, and send all visitors to its variant b/,
        "end of experiment header of app",
      ],
      [
        ["shadow", "app", "3", "--percent=5"],
        /would copy 5 % of the requests of app to release 3 of app/,
        "shadow app release 3 in production",
      ],
      [
        ["shadow", "app", "--off"],
        /would copy requests of app no longer/,
        "end of the shadow of app in production",
      ],
      [
        ["maintenance", "on", "app", "--text=soon"],
        /would change rules of app: maintenance/,
        "maintenance of app",
      ],
      [
        ["maintenance", "off", "app"],
        /would change rules of app: as the manifest says: maintenance/,
        "end of maintenance of app",
      ],
      [
        ["route", "add", "www.example.com", "app"],
        /would have www.example.com lead to app/,
        "host www.example.com of app",
      ],
      [["pause", "app", "--limit=2m"], /would change rules of app: pause/, "pause of app"],
      [["resume", "app"], /as the manifest says: pause/, "resume of app"],
    ];
    for (const [words, would, name] of changes) {
      const before = await listed();
      const shown = await plan(...words);
      assert.match(shown.stdout, would, shown.stderr);
      const dry = await cluster.propagit(...words, "--dry-run");
      assert.equal(dry.exitCode, exitCodes.ok, dry.stderr);
      assert.match(dry.stdout, would);
      assert.deepEqual(await listed(), before);
      const done = await cluster.propagit(...words);
      assert.equal(done.exitCode, exitCodes.ok, done.stdout + done.stderr);
      assert.ok((await listed())[0]?.endsWith(`: ${name}: done`), (await listed())[0]);
    }
    const route = ["route", "set", "app", "rate=5/s"] as const;
    const dry = await cluster.propagit(...route, "--dry-run");
    assert.match(dry.stdout, /would change rules of app: rate/, dry.stderr);
    const set = await cluster.propagit(...route);
    assert.equal(set.exitCode, exitCodes.ok, set.stderr);
    assert.match((await listed())[0] ?? "", /: rules \(rate\) of app: done$/);
    const rollout = await plan("rollout", "app", "3", "--steps=50%,100%");
    assert.match(rollout.stdout, /would send visitors to release 3 of app step by step/);
    const steps = await cluster.propagit("rollout", "app", "2", "--steps=50%", "--dry-run");
    assert.equal(steps.exitCode, exitCodes.usage, steps.stdout);
    const none = await cluster.propagit("rollout", "abort", "app", "--dry-run");
    assert.equal(none.exitCode, exitCodes.conflict, none.stdout);
    assert.match(none.stderr, /app has no rollout by steps under way/);
    const open = await cluster.propagit("maintenance", "off", "app", "--dry-run");
    assert.match(open.stdout, /nothing to do[^]*skipped: rules/, open.stderr);
    const pinned = await plan("unpin", "app", "2");
    assert.match(pinned.stdout, /nothing to do[^]*skipped: release 2 of app/);
    const nowhere = await plan("restart", "app", "--service=nope");
    assert.equal(nowhere.exitCode, exitCodes.notFound, nowhere.stdout);
  });

  it("goes on with a drain whose hub is killed", async () => {
    const gate = join(cluster.folder, "may-end");
    const slow = await WorkTree.create(join(cluster.folder, "slow"));
    await slow.write(
      "propagit.yaml",
      "services:\n  job: { command: node job.mjs, port: none, on: zone=c, stop: { deadline: 5m } }\n",
    );
    await slow.write(
      "job.mjs",
      `import { existsSync } from "node:fs";
process.on("SIGTERM", () => {
  process.stdout.write("asked to end\\n");
  setInterval(() => existsSync(${JSON.stringify(gate)}) && process.exit(0), 50);
});
setInterval(() => {}, 1e9);
`,
    );
    await slow.commit("slow");
    await slow.git("push", `http://localhost:${cluster.ports.hub}/slow`, "HEAD:master");
    const deployed = await cluster.propagit("deploy", "slow", "master");
    assert.equal(deployed.exitCode, exitCodes.ok, deployed.stdout + deployed.stderr);
    const draining = cluster.propagit("drone", "drain", "c");
    await until("the job to be asked to end", async () => {
      const { stdout } = await cluster.propagit("logs", "slow");
      return stdout.includes("asked to end");
    });
    hub.kill("SIGKILL");
    await hub.exited;
    const cut = await draining;
    assert.equal(cut.exitCode, exitCodes.unreachable, cut.stdout + cut.stderr);
    hub = await cluster.startHub({ ownRegistry: true });
    assert.match((await listed())[0] ?? "", /drain c: going$/);
    await writeFile(gate, "");
    await until("the drain to end", async () =>
      (await listed()).some((line) => line.endsWith(": drain c: done")),
    );
    const { stdout } = await cluster.propagit("ps", "slow", "--json");
    assert.deepEqual(JSON.parse(stdout), []);
  });
});
