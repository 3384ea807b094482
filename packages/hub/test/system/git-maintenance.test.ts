import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseRepoName } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import { prepareGit, runGit } from "../../src/system/git-command.js";
import { GitMaintenance } from "../../src/system/git-maintenance.js";
import { GitRepositories } from "../../src/system/git-repositories.js";
import { temporaryFolder } from "../support/real-hub.js";

test("a repository of many packs becomes one pack, and a commit that no branch holds stays in it", async (t) => {
  const folder = await temporaryFolder(t);
  const settings = await prepareGit(join(folder, "hub"));
  const repositories = await GitRepositories.open(settings);
  const repo = parseRepoName("webapp");
  await repositories.beginPush(repo);
  const packed: string[] = [];
  for (let at = 0; at < 52; at++) {
    const stream = [
      "commit refs/heads/master",
      `committer test <test@localhost> ${at} +0000`,
      "data 0",
      "",
      "",
    ].join("\n");
    const args = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"];
    await repositories.git(repo, args, { input: stream });
    packed.push((await repositories.git(repo, ["rev-parse", "master"])).stdout.trim());
    if (at % 2 === 0) await repositories.git(repo, ["update-ref", "-d", "refs/heads/master"]);
  }
  const count = async () => (await repositories.git(repo, ["count-objects", "-v"])).stdout;
  assert.match(await count(), /^packs: 52$/m);
  const maintenance = new GitMaintenance(repositories, silentLog);
  maintenance.touched(repo);
  await maintenance.idle();
  assert.match(await count(), /^count: 0$/m);
  assert.match(await count(), /^packs: 1$/m);
  for (const commit of packed) {
    const { stdout } = await repositories.git(repo, ["cat-file", "-t", commit]);
    assert.equal(stdout.trim(), "commit");
  }
  await maintenance.stop();
});

test("git runs without any configuration but the hub's", async (t) => {
  const folder = await temporaryFolder(t);
  const settings = await prepareGit(folder);
  const { stdout } = await runGit(settings, ["config", "--list", "--show-origin"]);
  const origins = new Set(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]),
  );
  assert.deepEqual([...origins], [`file:${join(folder, "git-home/.gitconfig")}`]);
  assert.match(stdout, /gc\.auto=0/);
  assert.match(stdout, /core\.fsync(objectfiles)?=/);
});
