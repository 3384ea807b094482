/** `--dry-run` of who may come, labels, commands beside releases and certificates: what is shown is what is done. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { closeConnections, Cluster, runCli, WorkTree } from "@propagit/test-support";

describe("changes of the fleet", () => {
  let cluster: Cluster;
  let password: string;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    for (const name of ["a", "b"]) {
      const data = `--data=${join(cluster.folder, name)}`;
      await cluster.startDrone([], [`--name=${name}`, `--label=zone=${name}`, data]);
    }
    password = join(cluster.folder, "password.txt");
    await writeFile(password, "correct horse\n");
    const tree = await WorkTree.create(join(cluster.folder, "app"));
    const service = "{ command: sleep 1d, port: none, on: zone=a }";
    await tree.write("propagit.yaml", `services:\n  job: ${service}\n`);
    await tree.commit("one");
    await tree.git("push", `http://localhost:${cluster.ports.hub}/app`, "HEAD:master");
    const deployed = await cluster.propagit("deploy", "app", "master");
    assert.equal(deployed.exitCode, exitCodes.ok, deployed.stderr);
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  /** Names of plans, newest first. */
  async function listed(): Promise<readonly string[]> {
    const { stdout } = await cluster.propagit("plans", "--json");
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  }

  /** @param words up to a command of its own, which comes after the flags */
  async function ask(words: readonly string[], command: readonly string[] = []) {
    const rest = command.length > 0 ? ["--", ...command] : [];
    const done = await runCli("propagit", [...words, ...cluster.hubFlags, ...rest], cluster.env);
    assert.equal(done.exitCode, exitCodes.ok, done.stdout + done.stderr);
    return done.stdout;
  }

  it("are shown, then done by the plan that was shown", async () => {
    const sleep = ["sleep", "1d"];
    const changes: readonly {
      readonly words: readonly string[];
      readonly command?: readonly string[];
      /** Of what is shown. */
      readonly would: RegExp;
      /** That it is done by. */
      readonly plan: string;
    }[] = [
      {
        words: ["access", "add", "app", "ann", `--file=${password}`],
        would: /would give ann access to app[^]*only these may come: ann/,
        plan: "access to app: ann",
      },
      {
        words: ["access", "rm", "app", "ann"],
        would: /would take access to app from ann[^]*everybody may come again/,
        plan: "access to app: no longer ann",
      },
      {
        words: ["drone", "label", "b", "zone=a"],
        would: /would label b zone=a[^]*job of release 1 of app: 1 starts on b/,
        plan: "label b",
      },
      {
        words: ["spawn", "app", "--name=more", "--worker", "--drone=b", "--env=TOKEN=hunter2"],
        command: sleep,
        would: /would start more beside release 1 of app on b[^]*`sleep 1d` would run in/,
        plan: "spawn more beside release 1 of app",
      },
    ];
    for (const { words, command, would, plan } of changes) {
      const before = await listed();
      const shown = await ask([...words, "--dry-run"], command);
      assert.match(shown, would);
      assert.match(shown, /nothing was changed/);
      assert.doesNotMatch(shown, /hunter2|scrypt|correct horse/);
      assert.deepEqual(await listed(), before);
      await ask(words, command);
      assert.equal((await listed())[0], plan);
    }
  });

  it("that run a command, or ask an authority, are shown without a word to either", async () => {
    const before = await listed();
    const once = await ask(["run", "app", "--dry-run", "--drone=a"], ["false"]);
    assert.match(once, /would run false beside release 1 of app on a/);
    const inside = await ask(["exec", "app", "--dry-run", "--service=job"], ["false"]);
    assert.match(inside, /would run false inside instances of release 1 of app on a/);
    const wish = ["--email=ann@example.com", "--agree", "--host=shop.example.com"];
    const acme = await ask(["certificates", "acme", ...wish, "--dry-run"]);
    assert.match(acme, /is asked for an account first[^]*asked for: shop\.example\.com/);
    const none = await cluster.propagit("cancel", "app", "--dry-run");
    assert.equal(none.exitCode, exitCodes.notFound, none.stdout);
    assert.match(none.stderr, /no release of app is on its way/);
    assert.deepEqual(await listed(), before);
  });
});
