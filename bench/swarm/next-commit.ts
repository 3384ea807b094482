/** Row of the next commit: a small change in a large repository, beside git's own thin pack and `git fetch`. */
import { join } from "node:path";
import type { WorkTree } from "@propagit/test-support";
import { execa } from "execa";
import { median, report, rounded } from "../report.js";
import { change, projectTree } from "./packs.js";
import { labelOf, type Ring } from "./setting.js";
import { spread } from "./spread.js";
import { viewOf } from "./views.js";

const bench = "swarm";
const drones = 8;
const projectBytes = 100e6;
const bytesGoal = 1.1;
const repo = "project";
const seed = 6;
/** More than the base takes to all of them on unbounded lines, and a change on theirs. */
const limitMs = 5 * 60_000;
/** What comes with the hub's answer, what is a few pieces, and what is many. */
const changes = [
  { what: "5 lines in each of 12 sources", sources: 12, lines: 5, pictureBytes: 0 },
  { what: "20 lines in each of 300 sources", sources: 300, lines: 20, pictureBytes: 0 },
  { what: "sources and a picture", sources: 12, lines: 5, pictureBytes: 1_500_000 },
] as const;

export async function nextCommits(ring: Ring): Promise<void> {
  const { fleet } = ring;
  const names = await ring.first(drones);
  // How the whole project got there is not what is measured.
  ring.shape(names, undefined);
  const tree = await projectTree(ring.newFolder(), projectBytes, labelOf(drones));
  await fleet.push(tree, repo);
  let base = await tree.git("rev-parse", "HEAD");
  await spread({ fleet, names, repo, commit: base, limitMs });
  const clone = await plainClone(ring);
  ring.restore(names);
  for (const [index, wanted] of changes.entries()) {
    const commit = await change(tree, wanted, seed + index);
    await fleet.push(tree, repo);
    await measure({ ring, names, what: wanted.what, tree, base, commit, clone });
    base = commit;
  }
}

interface Measured {
  readonly ring: Ring;
  readonly names: readonly string[];
  readonly what: string;
  readonly tree: WorkTree;
  readonly base: string;
  readonly commit: string;
  readonly clone: string;
}

async function measure({ ring, names, what, tree, base, commit, clone }: Measured): Promise<void> {
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
