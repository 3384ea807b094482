/** A folder is removed with what is in it, and nothing else, whatever somebody does in it meanwhile. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Folder } from "../../../src/system/files/folder.js";

async function makeTop(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), "propagit-folder-"));
  t.after(() => rm(top, { recursive: true, force: true }));
  await mkdir(join(top, "kept"));
  await writeFile(join(top, "kept", "precious"), "");
  return top;
}

test("removes all that is in a folder, and links as links", async (t) => {
  const top = await makeTop(t);
  await mkdir(join(top, "gone", "a", "b"), { recursive: true });
  await writeFile(join(top, "gone", "a", "b", "file"), "");
  await symlink("../../kept", join(top, "gone", "a", "link"));
  await symlink("nowhere", join(top, "gone", "dead"));
  const folder = await Folder.open(top);
  await folder.remove("gone");
  await folder.remove("gone");
  await folder.close();
  assert.deepEqual(await readdir(top), ["kept"]);
  assert.deepEqual(await readdir(join(top, "kept")), ["precious"]);
});

test("removes nothing by a link that takes the place of a folder meanwhile", async (t) => {
  const top = await makeTop(t);
  const folder = await Folder.open(top);
  for (let round = 0; round < 300; round++) {
    await mkdir(join(top, "gone", "hot"), { recursive: true });
    await writeFile(join(top, "gone", "hot", "file"), "");
    await symlink(join(top, "kept"), join(top, "link"));
    const swap = async () => {
      for (let step = 0; step < round % 5; step++) await stat(top);
      await rename(join(top, "gone", "hot"), join(top, "aside"));
      await rename(join(top, "link"), join(top, "gone", "hot"));
    };
    // Whichever comes first: it may fail, and may not reach what is kept.
    await Promise.allSettled([folder.remove("gone"), swap()]);
    for (const name of ["gone", "aside", "link"]) await folder.remove(name);
    assert.deepEqual(await readdir(join(top, "kept")), ["precious"], `round ${round}`);
  }
  await folder.close();
});
