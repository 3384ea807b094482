/** docs/commands.md and docs/plan.schema.json are what the commands say of themselves. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { hubCommands, isOfHub } from "@propagit/hub";
import { commandsPage, planSchema, toolBox } from "@propagit/plan";
import { format, resolveConfig } from "prettier";
import { read } from "./sources.js";

const ofHub = [...hubCommands.values()].filter(({ name }) => isOfHub(name));

it("docs/commands.md says what the commands say", async () => {
  const options = { ...(await resolveConfig("docs/commands.md")), parser: "markdown" } as const;
  assert.equal(
    await format(read("docs/commands.md"), options),
    await format(commandsPage(toolBox, ofHub), options),
    "docs/commands.md is not what the commands say; write it again with: npm run docs:cli",
  );
});

it("docs/plan.schema.json is the schema that plans are read by", () => {
  assert.deepEqual(
    JSON.parse(read("docs/plan.schema.json")),
    JSON.parse(JSON.stringify(planSchema(toolBox))),
    "write it again with: npm run docs:cli",
  );
});
