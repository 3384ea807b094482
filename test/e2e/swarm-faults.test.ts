/**
 * Commits on their way through a swarm while things go wrong: real daemons on machines of their own, with
 * lines so narrow that there is time for it. Every drone that is left ends with the very same files, or says
 * why it has none.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SwarmView } from "@propagit/protocol";
import {
  Fleet,
  hubMachine,
  Machines,
  until,
  WorkTree,
  type Badness,
  type DroneOptions,
} from "@propagit/test-support";
import { execa } from "execa";

const repo = "app";
const service = `services:
  idle:
    command: [/bin/sleep, "100000"]
    port: none
    on: takes
    ready: { when: alive, timeout: 60s }
`;
const takes = "--label=takes=1";
const fileBytes = 1e6;
/** Everything takes a few seconds; two cores have much to do beside that. */
const limitMs = 120_000;

interface Scene {
  readonly fleet: Fleet;
  readonly names: readonly string[];
  readonly commit: string;
  readonly tree: WorkTree;
}

interface SceneOptions {
  readonly drones?: number;
  readonly megabytes?: number;
  readonly megabytesPerSecond?: number;
  readonly droneOptions?: (name: string) => DroneOptions;
  readonly hubEnv?: (folder: string) => Promise<Readonly<Record<string, string>>>;
}

const evils = {
  garbage: "sends garbage",
  lies: "says it has what it does not give",
  stalls: "begins and never goes on",
  drips: "sends a byte a second",
  babbles: "speaks no known language",
} as const satisfies Record<Badness, string>;

describe("a swarm", { skip: Machines.problem }, () => {
  it("goes on without the hub once one drone has everything", async () => {
    await scene({ drones: 6, megabytes: 4 }, async (it) => {
      const { fleet, names } = it;
      // They are far from done when the others are.
      const slow = names.slice(4);
      for (const name of slow) fleet.machines.shape(name, 0.5e6);
      await deploy(it);
      await until("one to have everything", () => names.some((name) => isWhole(fleet, name)));
      fleet.hub.kill("SIGKILL");
      assert.ok(!slow.some((name) => isWhole(fleet, name)), "there is something left to do");
      await allHaveIt(it, names);
    });
  });

  it("takes back drones that were killed on the way, and what they had", async () => {
    await scene({ drones: 6, megabytes: 8 }, async (it) => {
      const { fleet, names } = it;
      const killed = names.slice(0, 2);
      await deploy(it);
      await part(it, killed, 0.4);
      for (const name of killed) fleet.drone(name).kill("SIGKILL");
      await Promise.all(killed.map(async (name) => fleet.drone(name).exited));
      await allHaveIt(it, names.slice(2));
      const before = receivedBy(fleet, killed[0]);
      for (const name of killed) await fleet.restartDrone(name);
      await allHaveIt(it, names);
      const again = receivedBy(fleet, killed[0]) - before;
      assert.ok(
        again < 0.8 * 8 * fileBytes,
        `what was on disk counts; it received ${again} bytes more`,
      );
    });
  });

  for (const badness of Object.keys(evils) as Badness[]) {
    it(`gets along with a peer that ${evils[badness]}`, async () => {
      await scene({ drones: 4, megabytes: 6 }, async (it) => {
        const { fleet, names, commit } = it;
        const evil = fleet.startEvil(badness, repo, commit);
        await deploy(it);
        await evil.said(/ready/);
        if (badness !== "babbles") await evil.said(/asked/);
        await allHaveIt(it, names);
        if (badness !== "garbage" && badness !== "babbles") return;
        const banned = (await view(it)).shares.flatMap(({ report }) => report.banned ?? []);
        assert.ok(
          banned.some(({ peer, reason }) => peer === evil.name && reason.length > 0),
          `somebody says that it is not believed: ${JSON.stringify(banned)}`,
        );
      });
    });
  }

  it("waits for lines that are cut for a while", async () => {
    await scene({ drones: 5, megabytes: 8 }, async (it) => {
      const { fleet, names } = it;
      const cut = names.slice(0, 2);
      await deploy(it);
      await part(it, cut, 0.3);
      for (const name of cut) fleet.machines.down(name);
      await allHaveIt(it, names.slice(2));
      for (const name of cut) fleet.machines.up(name);
      await allHaveIt(it, names);
    });
  });

  it("is not held up by a drone whose disk is full, which says so", async () => {
    await scene({ drones: 4, megabytes: 6 }, async (it) => {
      const { fleet, names } = it;
      // All of it would be there three times: as pieces, as git has it, and as files.
      await fleet.limitDisk("small", 14e6);
      await fleet.startDrones(["small"], () => ({ flags: [takes] }));
      await deploy(it);
      await allHaveIt(it, names);
      const outcome = await fleet.propagit("release", repo, "1");
      const said = /small[^]*(full|no space|not enough|free)/i;
      assert.match(`${fleet.drone("small").output}${outcome.stdout}${outcome.stderr}`, said);
    });
  });

  it("gives everything to a drone that comes when the others are nearly done", async () => {
    // So large that it is a swarm's affair also for one drone alone, when the others are done before it is there.
    await scene({ drones: 4, megabytes: 18, megabytesPerSecond: 3 }, async (it) => {
      const { fleet, names } = it;
      await deploy(it);
      await part(it, names, 0.9);
      const before = sentByHub(fleet);
      await fleet.startDrones(["late"], () => ({ flags: [takes] }));
      await allHaveIt(it, [...names, "late"]);
      const sent = sentByHub(fleet) - before;
      assert.ok(
        sent < 0.7 * 18 * fileBytes,
        `it comes from the others; the hub sent ${sent} bytes`,
      );
    });
  });

  it("carries a commit once that two environments want at the same time", async () => {
    await scene({ drones: 4, megabytes: 6 }, async (it) => {
      const { fleet, names } = it;
      await Promise.all([deploy(it), deploy(it, "-e", "staging")]);
      await allHaveIt(it, names);
      const { hubSentBytes, bytes } = await view(it);
      assert.ok(hubSentBytes < 1.3 * bytes, `the hub sent ${hubSentBytes} of ${bytes} bytes`);
      for (const name of names) {
        const received = receivedBy(fleet, name);
        assert.ok(received < 1.6 * bytes, `${name} received ${received} of ${bytes} bytes`);
      }
    });
  });

  it("carries two artifacts at the same time", async () => {
    await scene({ drones: 4, megabytes: 5 }, async (it) => {
      const { fleet, names } = it;
      const tree = await treeOf(fleet, "other", 5);
      await fleet.push(tree, "other");
      const commit = await tree.git("rev-parse", "HEAD");
      const other = { fleet, names, tree, commit };
      await deploy(it);
      await deployAs("other", other);
      await allHaveIt(it, names);
      await allHaveIt(other, names, "other");
    });
  });

  it("is no use when its pack is none that git takes: the commit then comes with git", async () => {
    const hubEnv = async (folder: string) => ({
      PATH: `${await brokenPacker(folder)}:${process.env["PATH"]}`,
    });
    // Everything comes from the hub in the end, four times.
    await scene({ drones: 4, megabytes: 4, megabytesPerSecond: 8, hubEnv }, async (it) => {
      await deploy(it);
      await allHaveIt(it, it.names);
      for (const name of it.names) {
        assert.match(it.fleet.drone(name).output, /is fetched with git: .*git index-pack failed/);
        assert.match(it.fleet.hub.output, new RegExp(`${name} gives up .*git index-pack failed`));
      }
    });
  });
});

async function scene(options: SceneOptions, play: (scene: Scene) => Promise<void>): Promise<void> {
  const { drones = 4, megabytes = 6, megabytesPerSecond = 2, droneOptions, hubEnv } = options;
  const fleet = await Fleet.create({ bytesPerSecond: megabytesPerSecond * 1e6 });
  try {
    await fleet.startHub([], await hubEnv?.(fleet.folder));
    const names = Array.from({ length: drones }, (_, index) => `d${index + 1}`);
    await fleet.startDrones(names, droneOptions ?? (() => ({ flags: [takes] })));
    const tree = await treeOf(fleet, repo, megabytes);
    await fleet.push(tree, repo);
    const commit = await tree.git("rev-parse", "HEAD");
    await play({ fleet, names, commit, tree });
  } catch (thrown) {
    throw new Error(`${String(thrown)}\n${fleet.output}`, { cause: thrown });
  } finally {
    await fleet.destroy();
  }
}

async function treeOf(fleet: Fleet, name: string, megabytes: number): Promise<WorkTree> {
  const tree = await WorkTree.create(join(fleet.folder, `tree-${name}`));
  await tree.write("propagit.yaml", service);
  for (let index = 0; index < megabytes; index++) {
    await writeFile(join(tree.folder, `part-${index}.bin`), randomBytes(fileBytes));
  }
  await tree.commit("random bytes");
  return tree;
}

async function deploy(scene: Scene, ...flags: readonly string[]): Promise<void> {
  await deployAs(repo, scene, ...flags);
}

async function deployAs(name: string, { fleet, commit }: Scene, ...flags: readonly string[]) {
  const done = await fleet.propagit("deploy", "--detach", ...flags, name, commit);
  assert.equal(done.exitCode, 0, done.stdout + done.stderr);
}

/** Waits until the files are there, and compares each with what was committed. */
async function allHaveIt({ fleet, tree, commit }: Scene, names: readonly string[], name = repo) {
  await fleet.untilTaken(names, name, commit, limitMs);
  const files = (await readdir(tree.folder)).filter((file) => file !== ".git").sort();
  for (const drone of names) {
    const place = fleet.checkoutOf(drone, name, commit);
    await until(`the files on ${drone}`, async () => (await listed(place)).length > 0, limitMs);
    assert.deepEqual([...(await listed(place))].sort(), files, `files on ${drone}`);
    for (const file of files) {
      const [there, here] = await Promise.all([
        readFile(join(place, file)),
        readFile(join(tree.folder, file)),
      ]);
      assert.ok(there.equals(here), `${file} on ${drone} is another one`);
    }
  }
}

async function listed(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** Waits until each of them has so much of it on disk: what only came as far as its sockets dies with it. */
async function part(
  { fleet, tree }: Scene,
  names: readonly string[],
  share: number,
): Promise<void> {
  const files = (await readdir(tree.folder)).filter((file) => file.startsWith("part-"));
  const wanted = share * files.length * fileBytes;
  await until(`${names.join()} to have ${share} of it`, async () => {
    const kept = await Promise.all(names.map((name) => keptBy(fleet, name)));
    return kept.every((bytes) => bytes > wanted);
  });
}

/** Of packs with holes, in bytes. */
async function keptBy(fleet: Fleet, name: string): Promise<number> {
  const folder = join(fleet.dataOf(name), "swarm");
  const packs = (await listed(folder)).map((artifact) => join(folder, artifact, "pack"));
  const found = await Promise.all(packs.map((pack) => stat(pack).catch(() => undefined)));
  return found.reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0);
}

function isWhole(fleet: Fleet, name: string): boolean {
  return / whole after /.test(fleet.drone(name).output);
}

function receivedBy(fleet: Fleet, name = ""): number {
  return fleet.machines.carried().get(name)?.receivedBytes ?? 0;
}

function sentByHub(fleet: Fleet): number {
  return fleet.machines.carried().get(hubMachine)?.sentBytes ?? 0;
}

async function view({ fleet, commit }: Scene): Promise<SwarmView> {
  const { stdout, stderr } = await fleet.propagit("swarm", repo, `--artifact=${commit}`, "--json");
  const { artifacts } = JSON.parse(stdout || "{}") as { readonly artifacts?: readonly SwarmView[] };
  const found = artifacts?.find((one) => one.commit === commit);
  assert.ok(found, `there is an artifact of it: ${stdout}${stderr}`);
  return found;
}

/** A folder with a git that makes packs of nothing but noise; what git itself calls is not concerned. */
async function brokenPacker(folder: string): Promise<string> {
  const place = join(folder, "broken-git");
  const { stdout: real } = await execa("sh", ["-c", "command -v git"]);
  await mkdir(place, { recursive: true });
  const noise = `head -c ${4 * fileBytes} /dev/urandom`;
  const script = `#!/bin/sh
for word in "$@"; do [ "$word" = pack-objects ] && { cat >/dev/null; ${noise}; exit 0; }; done
exec ${real} "$@"
`;
  await writeFile(join(place, "git"), script);
  await chmod(join(place, "git"), 0o755);
  return place;
}
