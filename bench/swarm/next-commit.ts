/** Row of the next commit: a small change in a large repository, beside git's own thin pack and `git fetch`. */
import { join } from "node:path";
import type { WorkTree } from "@propagit/test-support";
import { execa } from "execa";
import { median, report, rounded } from "../report.js";
import { projectTree, smallChange } from "./packs.js";
import { labelOf, limitMs, type Ring } from "./setting.js";
import { spread } from "./spread.js";
import { viewOf } from "./views.js";

const bench = "swarm";
const drones = 8;
const projectBytes = 100e6;
const bytesGoal = 1.1;
const repo = "project";
/** A change of some lines that comes with the hub's answer, and one with a new picture, which is swapped. */
const changes = [
  { what: "12 sources and a picture", pictureBytes: 1_500_000 },
  { what: "12 sources", pictureBytes: 0 },
] as const;

export async function nextCommits(ring: Ring): Promise<void> {
  const { fleet } = ring;
  const names = await ring.first(drones);
  // How the whole project got there is not what is measured.
  ring.widen(names, true);
  const tree = await projectTree(ring.newFolder(), projectBytes, labelOf(drones));
  await fleet.push(tree, repo);
  let base = await tree.git("rev-parse", "HEAD");
  await spread({ fleet, names, repo, commit: base, limitMs });
  const clone = await plainClone(ring);
  ring.widen(names, false);
  for (const { what, pictureBytes } of changes) {
    const commit = await smallChange(tree, pictureBytes);
    await fleet.push(tree, repo);
    await measure({ ring, names, what, tree, base, commit, clone });
    base = commit;
  }
}

interface Change {
  readonly ring: Ring;
  readonly names: readonly string[];
  readonly what: string;
  readonly tree: WorkTree;
  readonly base: string;
  readonly commit: string;
  readonly clone: string;
}

async function measure({ ring, names, what, tree, base, commit, clone }: Change): Promise<void> {
  const { fleet } = ring;
  const packBytes = await thinPackBytes(tree, base, commit);
  const given = await spread({ fleet, names, repo, commit, limitMs });
  // What a release says to a drone that has everything already.
  const chatter = await spread({
    fleet,
    names,
    repo,
    commit,
    limitMs,
    deployFlags: ["-e", "again"],
  });
  const view = await viewOf(fleet, repo, commit);
  const fetchBytes = await plainFetchBytes(ring, clone);
  const lineBytes = median(given.droneLineBytes) - median(chatter.droneLineBytes);
  const received = view?.shares.map((share) => share.report.receivedBytes) ?? [];
  const way = received.length > 0 ? "swarm" : "inline, or git";
  const more = { way, thinPackBytes: packBytes, gitFetchLineBytes: fetchBytes };
  const figure = { bench, unit: "KB", goal: bytesGoal };
  if (received.length > 0) {
    report({
      ...figure,
      metric: `next commit (${what}, 100 MB): bytes of pieces to each of ${names.length} drones`,
      ours: median(received) / 1e3,
      theirs: packBytes / 1e3,
      peer: "git's own thin pack",
      more: { ...more, largest: rounded(Math.max(...received) / packBytes) },
    });
  }
  report({
    ...figure,
    metric: `next commit (${what}, 100 MB): bytes on each drone's line, without the release's chatter`,
    ours: lineBytes / 1e3,
    theirs: packBytes / 1e3,
    peer: "git's own thin pack",
    more,
  });
  report({
    ...figure,
    metric: `next commit (${what}, 100 MB): bytes on each drone's line`,
    ours: lineBytes / 1e3,
    theirs: fetchBytes / 1e3,
    peer: "git fetch, on its line",
  });
}

async function thinPackBytes(tree: WorkTree, base: string, commit: string): Promise<number> {
  const pack = ["pack-objects", "--thin", "--delta-base-offset", "--stdout", "--revs", "--quiet"];
  const { stdout } = await execa("git", ["-C", tree.folder, ...pack], {
    input: `${commit}\n^${base}\n`,
    encoding: "buffer",
    maxBuffer: 1024 * 1024 * 1024,
  });
  return stdout.byteLength;
}

const plain = "plain";

/** A machine that fetches with git by itself, and what its line carries then. */
async function plainClone({ fleet }: Ring): Promise<string> {
  fleet.machines.add(plain, "a");
  const clone = join(fleet.folder, "plain.git");
  await fleet.on(plain, ["git", "clone", "--quiet", "--bare", fleet.urlOf(repo), clone]);
  return clone;
}

async function plainFetchBytes({ fleet }: Ring, clone: string): Promise<number> {
  const received = () => fleet.machines.carried().get(plain)?.receivedBytes ?? 0;
  const before = received();
  const branch = "+refs/heads/master:refs/heads/master";
  await fleet.on(plain, [
    "git",
    "-C",
    clone,
    "fetch",
    "--quiet",
    "--no-tags",
    fleet.urlOf(repo),
    branch,
  ]);
  return received() - before;
}
