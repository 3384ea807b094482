/** What the hub remembers of files on drones that cannot be asked. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Params } from "@propagit/protocol";
import { partsOf, readPlan, type RunEvent } from "@propagit/plan";
import { nodeCrypto, silentLog, SimClock, sleep } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { FilesMemory, type FilesMemoryParts } from "../src/files-memory.js";
import { hubCommands } from "../src/index.js";
import { Ledger } from "../src/ledger.js";
import { SimFiles } from "./support/sim-files.js";
import { SimHub } from "./support/sim-hub.js";

const [site, s3] = ["a".repeat(40), "b".repeat(40)];
const home = "/home/ann";
const push = (path: string, commit: string): Params<"hub.files-push"> => ({
  target: { names: ["*"] },
  path,
  commit,
  replace: false,
  force: false,
  dryRun: false,
  by: "ann",
});

/** Puts everything where it belongs, as far as a hub hears of it. */
const putFiles = ({ path }: Params<"drone.files">) =>
  Promise.resolve({
    path: path === "~/" ? home : path.replace("~", home),
    changes: { added: 1, changed: 0, removed: 0, unchanged: 0, bytes: 1, foreign: 0 },
    examples: [],
  });

describe("files on a drone that is away", () => {
  it("are every place that pushes made, also in its home folder", async () => {
    const hub = await SimHub.start();
    hub.files.pushed.add(site).add(s3);
    hub.files.names.set(site, { folders: ["site"], hasFiles: false });
    hub.files.names.set(s3, { folders: ["s3"], hasFiles: true });
    const drone = hub.drone("web-3", { putFiles });
    await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
    for (const [path, commit] of [
      ["~/", site],
      ["~/", s3],
      ["/srv/site", site],
      ["~/site", s3],
    ] as const) {
      await hub.call("hub.files-push", push(path, commit));
    }
    drone.die();
    // Until then it is only lost.
    await hub.settle(sleep(hub.sim.clock, 31_000));
    const listed = async (path?: string) => {
      const params = { verify: false, ...(path !== undefined && { path }) };
      const { rows } = await hub.call("hub.files-list", params);
      for (const { reason } of rows) assert.equal(reason, "it is not connected");
      return rows.map((row) => [row.path, row.commit]);
    };
    const inHome = [
      [home, s3],
      [`${home}/s3`, s3],
      [`${home}/site`, s3],
    ];
    assert.deepEqual(await listed(), [...inHome, ["/srv/site", site]]);
    for (const path of ["~/", "~"]) assert.deepEqual(await listed(path), inHome);
    for (const path of ["~/s3", "~/s3/", `${home}/s3`]) {
      assert.deepEqual(await listed(path), [[`${home}/s3`, s3]]);
    }
    assert.deepEqual(await listed("/srv/other"), []);
  });
});

const part = {
  name: "files to all:~/",
  stages: [
    {
      name: "each at its time",
      tasks: [
        [{ command: "put-files", commit: site, path: "~/", drone: "web-1" }],
        [{ command: "put-files", commit: site, path: "~/", drone: "web-2" }],
        [{ command: "put-files", commit: site, path: "~/", drone: "web-3" }],
      ],
    },
  ],
};

describe("files that a relay has brought", () => {
  const members = ["web-1", "web-2", "web-3"].map((name, at) => ({
    name,
    identity: String(at).repeat(32),
  })) as unknown as FilesMemoryParts["fleet"]["members"];

  async function setUp() {
    const clock = new SimClock();
    const ledger = await Ledger.open(openMemoryStore(), clock);
    const means = new SimFiles();
    means.names.set(site, { folders: ["site"], hasFiles: false });
    means.names.set(s3, { folders: ["site", "s3"], hasFiles: false });
    const fleet = { members, member: () => undefined };
    const world = { crypto: nodeCrypto, log: silentLog };
    const memory = new FilesMemory({ world, ledger, fleet, means });
    const task = { command: "delegate", drone: "head", plan: part };
    const value = { name: "all", stages: [{ name: "hand on", tasks: [task] }] };
    const [told] = partsOf(
      "0123456789",
      readPlan({ maker: "test", value }, hubCommands),
      hubCommands,
    );
    assert.ok(told);
    const seen = (index: number) => {
      const [member] = members.slice(index);
      return memory
        .of(member as never, undefined, "it is away")
        .map(({ path, commit, at, by }) => [path, commit, at, by]);
    };
    return { memory, plan: told.plan, seen };
  }

  const ended = (task: string, outcome: "done" | "unchanged" | "failed", at: number): RunEvent => ({
    kind: "task-ended",
    task,
    outcome,
    at,
  });

  it("are remembered when its part is told upward, on the drones that have them", async () => {
    const { memory, plan, seen } = await setUp();
    const events = [
      ended("1.1.1", "done", 5),
      ended("1.2.1", "unchanged", 6),
      ended("1.3.1", "failed", 7),
    ];
    // Heard once more after a kill.
    for (let time = 0; time < 2; time++) await memory.heard(plan, events, "ann");
    assert.deepEqual(seen(0), [["~/site", site, 5, "ann"]]);
    assert.deepEqual(seen(1), [["~/site", site, 6, "ann"]]);
    assert.deepEqual(seen(2), []);
    assert.equal(memory.baseOf(members[0]?.identity ?? "", "~/"), site);
  });

  it("do not hide what the hub brought there since, and are where it heard that they are", async () => {
    const { memory, plan, seen } = await setUp();
    const { identity = "" } = members[0] ?? {};
    const own = { identity, path: "~/", place: home, by: "ben" };
    await memory.remember({ ...own, commit: s3, carrier: s3, at: 10 });
    await memory.heard(plan, [ended("1.1.1", "done", 5)], "ann");
    assert.deepEqual(seen(0), [
      [`${home}/site`, s3, 10, "ben"],
      [`${home}/s3`, s3, 10, "ben"],
    ]);
    await memory.heard(plan, [ended("1.1.1", "done", 20)], "ann");
    assert.deepEqual(seen(0), [
      [`${home}/site`, site, 20, "ann"],
      [`${home}/s3`, s3, 10, "ben"],
    ]);
  });
});
