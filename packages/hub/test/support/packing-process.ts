/** Makes one pack after the other until it is killed: FOLDER of a hub, REPO, then commits, each against the one before. */
import { nodeRandom } from "@propagit/runtime";
import { prepareGit } from "../../src/system/git-command.js";
import { GitRepositories } from "../../src/system/git-repositories.js";
import { openShelf } from "./shelf-bench.js";

const [folder = "", repo = "", ...commits] = process.argv.slice(2);
const repositories = await GitRepositories.open(await prepareGit(folder));
const shelf = await openShelf(folder, repositories, { random: nodeRandom });
process.stdout.write("ready\n");
for (const [at, commit] of commits.entries()) {
  const base = commits[at - 1];
  await shelf.make({ repo, commit, base });
  await shelf.make({ repo, commit, base: undefined });
}
process.stdout.write("done\n");
