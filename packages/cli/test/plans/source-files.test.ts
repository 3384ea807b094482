/** Files of this machine that a saved plan brings: as they were when it was written down, or it is refused. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { PlanFolder } from "../support/plan-folder.js";

interface Saved {
  basis?: { files?: Record<string, unknown>; revisions: object; at: number };
  stages: { tasks: object[] }[];
}

describe("files that a saved plan brings", () => {
  let folder: PlanFolder;
  let source: string;
  beforeEach(async () => {
    folder = new PlanFolder();
    source = join(folder.path, "app.txt");
    folder.write("app.txt", "one");
    const tasks = [
      { command: "upload", file: source, to: join(folder.path, "brought") },
      { command: "upload", file: join(folder.path, "later.txt"), to: join(folder.path, "late") },
    ];
    const plan = { name: "bring", stages: [{ name: "all", tasks: [tasks[0]] }] };
    folder.write("up.json", JSON.stringify(plan));
    const made = { command: "execute", directory: folder.path, run: "echo made > later.txt" };
    const later = { name: "later", stages: [{ name: "all", tasks: [[made, tasks[1]]] }] };
    folder.write("later.json", JSON.stringify(later));
    await save("up");
  });
  afterEach(() => folder.remove());

  async function save(name: string): Promise<void> {
    const { code, errors } = await folder.run([
      "plan",
      `${name}.json`,
      `--save=saved-${name}.json`,
    ]);
    assert.equal(code, 0, errors);
  }
  const saved = (name: string) => JSON.parse(folder.read(`saved-${name}.json`)) as Saved;

  it("are named by length and SHA-256, and brought when they are as they were", async () => {
    const sha256 = createHash("sha256").update("one").digest("hex");
    assert.deepEqual(saved("up").basis?.files, { [source]: { bytes: 3, sha256 } });
    const { code, errors } = await folder.run(["apply", "saved-up.json"]);
    assert.equal(code, 0, errors);
    assert.equal(folder.read("brought"), "one");
  });

  it("are refused when they hold something else, or are gone, before anything begins", async () => {
    folder.write("app.txt", "two");
    const { code, errors } = await folder.run(["apply", "saved-up.json"]);
    assert.equal(code, exitCodes.conflict, errors);
    assert.match(errors, /what "bring" brings has changed.*app\.txt holds something else/);
    assert.match(errors, /propagit plan saved-up\.json --save saved-up\.json/);
    assert.deepEqual([folder.has("brought"), await folder.ids()], [false, []]);
    for (const words of [
      ["apply", "--dry-run"],
      ["plan", "--local"],
    ]) {
      const dry = await folder.run([...words, "saved-up.json"]);
      assert.deepEqual([dry.code, dry.errors], [code, errors]);
    }
    const again = await folder.run(["plan", "saved-up.json", "--save=saved-up.json"]);
    assert.equal(again.code, 0, again.errors);
    assert.equal((await folder.run(["apply", "saved-up.json"])).code, 0);
    assert.equal(folder.read("brought"), "two");
  });

  it("may be made by the plan itself: what is not there yet is no part of what it was made from", async () => {
    await save("later");
    assert.equal(saved("later").basis, undefined);
    const { code, errors } = await folder.run(["apply", "saved-later.json"]);
    assert.equal(code, 0, errors);
    assert.equal(folder.read("late"), "made\n");
  });

  it("belong to the plan's hash; a basis that says them wrongly is refused with its place", async () => {
    const hashOf = async () =>
      (JSON.parse((await folder.run(["plan", "saved-up.json", "--json"])).out) as { hash: string })
        .hash;
    const before = await hashOf();
    const plan = saved("up");
    const other = { [source]: { bytes: 4, sha256: "a".repeat(64) } };
    const basis = plan.basis && { ...plan.basis, files: other };
    folder.write("saved-up.json", JSON.stringify({ ...plan, basis }));
    assert.notEqual(await hashOf(), before);
    const wrong = { revisions: {}, at: 1, files: { x: { bytes: 1, sha256: "short" } } };
    folder.write("saved-up.json", JSON.stringify({ ...plan, basis: wrong }));
    const { code, errors } = await folder.run(["plan", "saved-up.json"]);
    assert.equal(code, exitCodes.usage);
    assert.match(errors, /saved-up\.json:1:\d+: .*is no SHA-256/);
  });
});
