import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** Runs git well, then with every file descriptor in use, then with all given back. */
const script = `
  import { closeSync, openSync } from "node:fs";
  import { runGit } from ${JSON.stringify(new URL("../../src/system/git-command.js", import.meta.url))};
  const run = () => runGit({ env: process.env, repoFolder: "/" }, ["version"]).then(
    ({ exitCode }) => exitCode,
    ({ code }) => code,
  );
  const results = [await run()];
  const files = [];
  try { for (;;) files.push(openSync("/dev/null")); } catch {}
  results.push(await run());
  for (const file of files) closeSync(file);
  results.push(await run());
  console.log(JSON.stringify(results));
`;

test("a hub that has too many files open refuses what needs git, and lives on", () => {
  const args = [
    "-c",
    'ulimit -n 500; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ];
  const said = execFileSync("sh", args, { encoding: "utf8", timeout: 30_000 });
  assert.deepEqual(JSON.parse(said), [0, "OVERLOADED", 0]);
});
