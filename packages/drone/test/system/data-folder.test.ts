/** Which folder a drone works in. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { claimFolder } from "../../src/system/data-folder.js";

let root: string;
before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "propagit-data-folder-")));
});
after(() => rm(root, { recursive: true }));

test("takes a folder that is named from where the drone was started by its absolute path", async () => {
  const path = join(root, "web");
  const given = relative(process.cwd(), path);
  equal(isAbsolute(given), false);
  const folder = await claimFolder(given, undefined);
  deepEqual(folder.path, path);
  await folder.release();
});

test("refuses a folder that another drone works in, however it is named", async () => {
  const path = join(root, "taken");
  const folder = await claimFolder(path, undefined);
  await rejects(claimFolder(relative(process.cwd(), path), undefined), { code: "DATA_IN_USE" });
  await folder.release();
});
