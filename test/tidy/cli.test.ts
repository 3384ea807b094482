/** docs/cli.md is what `help` prints. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { cliReference } from "propagit";
import { format, resolveConfig } from "prettier";
import { read } from "./sources.js";

it("docs/cli.md says what the help texts say", async () => {
  // Both formatted, as tables are aligned in the file.
  const options = { ...(await resolveConfig("docs/cli.md")), parser: "markdown" } as const;
  assert.equal(
    await format(read("docs/cli.md"), options),
    await format(cliReference(), options),
    "docs/cli.md is not what the commands say; write it again with: npm run docs:cli",
  );
});
