/** A new artifact of a size, from the hub to the first so many drones. */
import { rm } from "node:fs/promises";
import { randomTree } from "./packs.js";
import { labelOf, limitMsOf, type Kind, type Ring, type Size } from "./setting.js";
import { spread, type Spread } from "./spread.js";

let distributed = 0;

export async function distribute(
  ring: Ring,
  drones: number,
  size: Size,
  kind: Kind = "taking part",
): Promise<Spread> {
  const names = await ring.first(drones, kind);
  const repo = `random-${distributed++}`;
  const folder = ring.newFolder();
  const tree = await randomTree(folder, size.bytes, labelOf(drones, kind));
  await ring.fleet.push(tree, repo);
  const commit = await tree.git("rev-parse", "HEAD");
  const limitMs = limitMsOf(size, drones);
  const given = await spread({ fleet: ring.fleet, names, repo, commit, limitMs });
  await ring.fleet.propagit("stop", "--force", repo, commit);
  await rm(folder, { recursive: true });
  return given;
}
