import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { manifestSchema } from "../src/index.js";

it("docs/propagit.schema.json is the schema that manifests are read by", () => {
  const path = new URL("../../../../docs/propagit.schema.json", import.meta.url);
  assert.deepEqual(
    JSON.parse(readFileSync(path, "utf8")),
    JSON.parse(JSON.stringify(manifestSchema())),
    "write it again with: script/docs-cli",
  );
});
