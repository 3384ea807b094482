/** The linter really looks: each rule we rely on finds the mistake made for it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { root } from "./sources.js";

const mistakes: Readonly<Record<string, string>> = {
  "typescript(no-floating-promises)": "export function f(p: Promise<void>): void { p; }",
  "typescript(no-misused-promises)":
    "export function f(p: Promise<boolean>): number { if (p) return 1; return 2; }",
  "typescript(switch-exhaustiveness-check)":
    'export function f(x: "a" | "b"): void { switch (x) { case "a": break; } }',
  "typescript(no-explicit-any)": "export const x: any = 1;",
  "typescript(no-non-null-assertion)": "export const f = (x?: string): string => x!;",
  "eslint(max-lines-per-function)": `export function f(): number {\n${"  // line\n  f();\n".repeat(61)}  return 1;\n}`,
};

it("oxlint finds a mistake of every kind that it is trusted to find", async (test) => {
  const home = await mkdtemp(join(tmpdir(), "propagit-lint-"));
  test.after(() => rm(home, { recursive: true, force: true }));
  // Below packages/ and src/, as rules are chosen by path.
  const folder = join(home, "packages/x/src");
  await mkdir(folder, { recursive: true });
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: { types: [] },
    include: ["*.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const names = Object.keys(mistakes);
  for (const [index, code] of Object.values(mistakes).entries()) {
    await writeFile(join(folder, `mistake${index}.ts`), `${code}\n`);
  }
  const output = await lint(folder);
  const missed = names.filter((name) => !output.includes(name));
  assert.deepEqual(missed, [], output);
});

function lint(folder: string): Promise<string> {
  const oxlint = join(root, "node_modules/.bin/oxlint");
  const options = ["--type-aware", "-c", join(root, ".oxlintrc.json"), folder];
  return new Promise((resolve) => {
    execFile(oxlint, options, { cwd: root }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}
