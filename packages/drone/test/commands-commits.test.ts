/** Tasks of plans that bring commits to a drone: ahead of their use, or to a place of their own; with real git. */
import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { DroneCommandEnd } from "@propagit/protocol";
import { localHost, toolBox } from "@propagit/plan";
import { nodeClock, nodeDisk, nodeRandom, nodeWorld, silentLog } from "@propagit/runtime";
import type { IncomingCall } from "@propagit/runtime";
import { CommandDesk } from "../src/commands.js";
import { DistributedCommits } from "../src/distributed-commits.js";
import type { DroneContext } from "../src/drone-part.js";
import { DroneCommits } from "../src/system/commit-means.js";
import { DiskCommandStore } from "../src/system/command-store.js";
import { GitCommits } from "../src/system/commits.js";
import { runGit } from "./support/run-git.js";

class Bench {
  readonly base: string;
  readonly commits: GitCommits;
  readonly desk: CommandDesk;
  readonly distributed: DistributedCommits;
  #keys = 0;

  private constructor(base: string, distributed: DistributedCommits, store: DiskCommandStore) {
    this.base = base;
    this.distributed = distributed;
    this.commits = new GitCommits(this.data, nodeRandom);
    const { commits, data: dataFolder } = this;
    const means = new DroneCommits({ commits, distributed, dataFolder });
    const source = () => Promise.resolve({ url: `file://${this.work}`, password: undefined });
    const world = nodeWorld(silentLog);
    const drone = { world, name: () => "one", source, tidySoon: () => undefined };
    this.desk = new CommandDesk(drone as unknown as DroneContext, {
      store,
      commands: toolBox,
      host: (name) => localHost({ name }),
      commits: (context) => means.for(context),
      distributed: () => distributed.all,
    });
  }

  static async open(t: TestContext): Promise<Bench> {
    const base = await mkdtemp(join(tmpdir(), "propagit-commits-"));
    t.after(() => rm(base, { recursive: true, force: true }));
    await mkdir(join(base, "work"));
    await runGit(join(base, "work"), "init", "-q", "-b", "main");
    return Bench.life(base);
  }

  static async life(base: string): Promise<Bench> {
    const file = join(base, "drone", "distributed");
    const store = await DiskCommandStore.open(nodeDisk, join(base, "drone", "commands"));
    const place = { clock: nodeClock, disk: nodeDisk, file };
    return new Bench(base, await DistributedCommits.open(place), store);
  }

  get data(): string {
    return join(this.base, "drone");
  }

  get work(): string {
    return join(this.base, "work");
  }

  async commit(text: string): Promise<string> {
    await writeFile(join(this.work, "text"), text);
    await writeFile(join(this.work, "run"), "#!/bin/sh\n", { mode: 0o755 });
    await symlink("text", join(this.work, "link")).catch(() => undefined);
    await runGit(this.work, "add", "-A");
    await runGit(this.work, "commit", "-q", "-m", text);
    return (await runGit(this.work, "rev-parse", "HEAD")).trim();
  }

  /** As `outcome: reason`. */
  async task(command: string, args: object): Promise<string> {
    const call = { signal: new AbortController().signal, part: () => undefined };
    const key = `r/1.1.1/${++this.#keys}`;
    const end = (await this.desk.handlers["drone.command"]?.(
      { key, command, args: JSON.stringify(args), timeoutMs: 60_000, once: false },
      call as unknown as IncomingCall<"drone.command">,
    )) as DroneCommandEnd;
    return end.reason === undefined ? end.outcome : `${end.outcome}: ${end.reason}`;
  }
}

describe("distribute", () => {
  it("brings a commit ahead of its use, which stays though nothing needs it, also in a next life", async (t) => {
    const bench = await Bench.open(t);
    const commit = await bench.commit("one");
    const wanted = { repo: "shop", commit };
    assert.equal(await bench.task("distribute", wanted), "done");
    assert.equal(await bench.task("distribute", wanted), "unchanged");
    assert.equal(await bench.task("checkout", wanted), "unchanged");
    const text = join(bench.data, "commits", "shop", commit, "text");
    assert.equal(await readFile(text, "utf8"), "one");
    const next = await Bench.life(bench.base);
    await next.commits.keepOnly(next.desk.commitsInUse());
    assert.equal(await readFile(text, "utf8"), "one");
    assert.deepEqual(next.desk.commitsInUse(), [wanted]);
  });

  it("says which commit there is not", async (t) => {
    const bench = await Bench.open(t);
    await bench.commit("one");
    const end = await bench.task("distribute", { repo: "shop", commit: "0".repeat(40) });
    assert.match(end, /^failed: .*0000000/);
    assert.deepEqual(bench.desk.commitsInUse(), []);
  });
});

describe("checkout", () => {
  it("does what its page says, and finds it done the second time", async (t) => {
    const bench = await Bench.open(t);
    const path = join(bench.base, "srv/app/releases/7");
    const example = {
      ...toolBox.get("checkout")?.example,
      commit: await bench.commit("one"),
      path,
    };
    assert.equal(await bench.task("checkout", example), "done");
    assert.equal(await bench.task("checkout", example), "unchanged");
    assert.deepEqual((await readdir(path)).toSorted(), ["link", "run", "text"]);
    assert.equal((await lstat(join(path, "run"))).mode & 0o100, 0o100);
    assert.ok((await lstat(join(path, "link"))).isSymbolicLink());
    assert.deepEqual(await readdir(join(bench.base, "srv/app/releases")), ["7"]);
  });

  it("refuses a place where something else is, and leaves it as it is", async (t) => {
    const bench = await Bench.open(t);
    const [one, two] = [await bench.commit("one"), await bench.commit("two")];
    const path = join(bench.base, "app");
    assert.equal(await bench.task("checkout", { repo: "shop", commit: one, path }), "done");
    const other = await bench.task("checkout", { repo: "shop", commit: two, path });
    assert.match(other, /^failed: .*\/app is there, and is not shop .*text differs$/);
    assert.equal(await readFile(join(path, "text"), "utf8"), "one");
    await writeFile(join(path, "more"), "");
    const more = await bench.task("checkout", { repo: "shop", commit: one, path });
    assert.match(more, /more is only in one of them$/);
  });

  it("takes an empty folder, clears up what a drone left that was killed, and refuses the drone's own", async (t) => {
    const bench = await Bench.open(t);
    const commit = await bench.commit("one");
    const path = join(bench.base, "app");
    await mkdir(path);
    await mkdir(join(bench.base, ".propagit-app.partial/half"), { recursive: true });
    assert.equal(await bench.task("checkout", { repo: "shop", commit, path }), "done");
    assert.deepEqual((await readdir(bench.base)).toSorted(), ["app", "drone", "work"]);
    const inside = await bench.task("checkout", { repo: "shop", commit, path: `${bench.data}/x` });
    assert.match(inside, /^failed: .*data folder/);
    const top = await bench.task("checkout", { repo: "shop", commit, path: "/usr/bin" });
    assert.match(top, /^failed: \/usr\/bin belongs to the system$/);
  });
});

describe("what was distributed", () => {
  it("is forgotten after a week, and when newer ones need the room", async (t) => {
    const { base } = await Bench.open(t);
    let now = 0;
    const clock = { ...nodeClock, now: () => now };
    const place = { clock, disk: nodeDisk, file: join(base, "list") };
    const kept = await DistributedCommits.open(place);
    for (let count = 0; count < 25; count++) await kept.keep({ repo: "shop", commit: `${count}` });
    assert.deepEqual([kept.all.length, kept.all[0]?.commit], [20, "24"]);
    assert.equal((await DistributedCommits.open(place)).all.length, 20);
    now = 8 * 86_400_000;
    assert.deepEqual(kept.all, []);
    await writeFile(place.file, "{");
    assert.deepEqual((await DistributedCommits.open(place)).all, []);
  });
});
