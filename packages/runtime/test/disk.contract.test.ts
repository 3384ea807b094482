/** What every disk promises, over the simulated and the real one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { nodeDisk, SimDisk, type Disk } from "../src/index.js";
import { temporaryFolder } from "./support/folders.js";

interface Setting {
  readonly disk: Disk;
  readonly folder: string;
}

const settings: Readonly<Record<string, (test: TestContext) => Promise<Setting>>> = {
  "the simulated disk": async () => ({ disk: new SimDisk(), folder: "/data" }),
  "the real disk": async (test) => ({ disk: nodeDisk, folder: await temporaryFolder(test) }),
};

for (const [name, setting] of Object.entries(settings)) {
  describe(name, () => {
    it("has nothing where nothing was written", async (test) => {
      const { disk, folder } = await setting(test);
      assert.equal(await disk.read(join(folder, "none")), undefined);
    });

    it("gives back what was written, in folders that it makes", async (test) => {
      const { disk, folder } = await setting(test);
      const path = join(folder, "deep/er/file");
      await disk.writeAtomic(path, "grüße\n");
      assert.equal(await disk.read(path), "grüße\n");
    });

    it("replaces the whole content", async (test) => {
      const { disk, folder } = await setting(test);
      const path = join(folder, "file");
      await disk.writeAtomic(path, "a much longer content");
      await disk.writeAtomic(path, "short");
      assert.equal(await disk.read(path), "short");
    });

    it("keeps the last of many writes that were asked for at once", async (test) => {
      const { disk, folder } = await setting(test);
      const path = join(folder, "file");
      const contents = Array.from({ length: 20 }, (_, index) => `content ${index}`);
      await Promise.all(contents.map((content) => disk.writeAtomic(path, content)));
      assert.equal(await disk.read(path), "content 19");
    });

    it("removes a file, and does not mind when there is none", async (test) => {
      const { disk, folder } = await setting(test);
      const path = join(folder, "file");
      await disk.writeAtomic(path, "x");
      await disk.remove(path);
      await disk.remove(path);
      assert.equal(await disk.read(path), undefined);
    });
  });
}
