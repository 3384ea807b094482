import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as plan from "@propagit/plan";
import { object, text } from "@propagit/shapes";

const { loadProject, toolBox } = plan;
const modules = { "propagit/config": { ...plan, object, text } };

const command = (name: string, more = "") =>
  `{ name: "${name}", summary: "", args: object({ who: text() }), describe: () => "", run: async () => ({ outcome: "done" }), example: {} ${more} }`;

describe("a project's propagit.config", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "propagit-project-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function load(text: string, name = "propagit.config.ts") {
    await writeFile(join(folder, name), text);
    return loadProject(folder, { ours: toolBox, modules });
  }

  async function refused(text: string, why: RegExp): Promise<void> {
    await assert.rejects(load(text), { code: "BAD_CONFIG", message: why });
  }

  const head = `import { defineConfig, object, text } from "propagit/config";\n`;

  it("may be missing", async () => {
    const { commands, generators, file } = await loadProject(folder, { ours: toolBox, modules });
    assert.deepEqual([commands.size, generators.size, file], [toolBox.size, 0, undefined]);
  });

  it("is TypeScript, with types, enums and files beside it", async () => {
    await writeFile(
      join(folder, "names.ts"),
      `import { text } from "propagit/config";
export const greet: string = text().schema["type"] === "string" ? "greet" : "";`,
    );
    const project = await load(`${head}import { greet } from "./names.ts";
enum Way { Loud = 1 }
interface Unused { readonly a: Way }
const later: string = await Promise.resolve("");
export default defineConfig({ commands: [{ ...${command("x")}, name: greet + later }] });`);
    assert.ok(project.commands.has("greet"));
    assert.ok(project.commands.has("message"));
  });

  for (const ending of ["mts", "js", "mjs"]) {
    it(`may end with .${ending}, and export by names`, async () => {
      const text = `${head}export const commands = [${command("greet")}];`;
      const project = await load(text, `propagit.config.${ending}`);
      assert.equal(project.file, join(folder, `propagit.config.${ending}`));
      assert.ok(project.commands.has("greet"));
    });
  }

  it("is one file", async () => {
    await writeFile(join(folder, "propagit.config.js"), "");
    await refused("", /there are both propagit\.config\.ts and propagit\.config\.js/);
  });

  it("that cannot be understood or fails is told with file and line", async () => {
    await refused(
      "export default {\n  a: ;\n};",
      /propagit\.config\.ts:2:\d+: cannot be understood/,
    );
    await refused("\n\nthrow new Error('no luck');", /propagit\.config\.ts:3:\d+: no luck/);
    await refused(`import "./nowhere";`, /Cannot find module '\.\/nowhere'/);
    await refused(
      `${head}export default { commands: [nothing] };`,
      /propagit\.config\.ts:2:\d+: nothing is not defined/,
    );
  });

  it("that exports something else is refused", async () => {
    await refused("export default 7;", /exports no `\{ commands, generators \}`/);
    await refused("export default { comands: [] };", /exports "comands"/);
    await refused("export default { commands: {} };", /has `commands` that are no list/);
    await refused(
      "export default { commands: [7], generators: [null] };",
      /`commands\[0\]` without a name[^]*`generators\[0\]` without a name/,
    );
  });

  it("brings commands that can be some", async () => {
    const some = (list: string) => `${head}export default { commands: [${list}] };`;
    await refused(some(`${command("a")}, ${command("a")}`), /has two commands called "a"/);
    await refused(some(command("message")), /command message is propagit's own/);
    await refused(some(command("Big Name")), /not small letters/);
    await refused(
      some(command("a", ", args: object({ host: text() })")),
      /an argument `host`, which every task has/,
    );
    await refused(some(command("a", ", args: {}")), /`args` that are not made of `object/);
    await refused(some(`{ name: "a" }`), /command "a" has no `describe`/);
  });

  it("brings generators that can be some", async () => {
    const some = (list: string) => `${head}export default { generators: [${list}] };`;
    await refused(some(`{ name: "a", config: object({}) }`), /generator a has no `generate`/);
    await refused(
      some(`{ name: "a", config: {}, generate() {} }`),
      /`config` that is not made of `object/,
    );
    await refused(
      some(`{ name: "a", config: object({ defaults: text() }), generate() {} }`),
      /a key `defaults`/,
    );
  });
});
