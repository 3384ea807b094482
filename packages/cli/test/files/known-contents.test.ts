import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { importStream } from "../../src/files/import.js";
import { KnownContents } from "../../src/files/known-contents.js";
import { readSource } from "../../src/files/source.js";

/** Two files that were changed long ago, as far as this process is concerned. */
async function setUp(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "propagit-known-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [site, known] = [join(folder, "site"), join(folder, "known")];
  await mkdir(site);
  await writeFile(join(site, "a.txt"), "aaa");
  await writeFile(join(site, "b.txt"), "bbb");
  const later = Date.now() + 60_000;
  t.mock.timers.enable({ apis: ["Date"], now: later });
  /** What git is told, with what was read before named only. */
  const read = async (): Promise<string> => {
    const { entries } = await readSource([`${site}/`], []);
    const contents = await KnownContents.open(known, [site]);
    const head = { mode: 0o755 };
    const stream = importStream("refs/x", {
      entries,
      head,
      mode: undefined,
      folderMode: undefined,
      manifestOnly: false,
      known: contents,
    });
    const told = await text(stream);
    await contents.save(known);
    return told;
  };
  return { site, known, read };
}

const named = (told: string) => [...told.matchAll(/^M 100644 [0-9a-f]{40} "(.*)"$/gm)].length;
const manifestOf = (told: string) => told.slice(told.lastIndexOf("data "));

describe("what files held when they were read last", () => {
  it("is only named the next time, and makes the same manifest", async (t) => {
    const { read } = await setUp(t);
    const first = await read();
    assert.match(first, /aaa[^]*bbb/);
    assert.equal(named(first), 0);
    const second = await read();
    assert.equal(named(second), 2);
    assert.doesNotMatch(second, /aaa|bbb/);
    assert.equal(manifestOf(second), manifestOf(first));
  });

  it("is read again when anything of the file changed, also when size and time are put back", async (t) => {
    const { site, read } = await setUp(t);
    await read();
    await writeFile(join(site, "a.txt"), "ccc");
    await utimes(join(site, "a.txt"), 1, 1);
    const second = await read();
    assert.equal(named(second), 1);
    assert.match(second, /ccc/);
  });

  it("is not kept of a file that was changed a moment before", async (t) => {
    const { read } = await setUp(t);
    t.mock.timers.reset();
    await read();
    assert.equal(named(await read()), 0);
  });

  it("is read again when what was kept cannot be read", async (t) => {
    const { known, read } = await setUp(t);
    await read();
    const [name = assert.fail("nothing was kept")] = await readdir(known);
    for (const broken of ["", "{", '{"version":1,"files":[]}', '{"version":1,"files":{"x":[1]}}']) {
      await writeFile(join(known, name), broken);
      assert.equal(named(await read()), 0);
    }
    assert.equal(named(await read()), 2);
  });
});
