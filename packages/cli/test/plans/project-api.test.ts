import assert from "node:assert/strict";
import { it } from "node:test";
import { projectApi } from "@propagit/plan";
import * as config from "../../src/config.js";

it("a propagit.config finds the same where a plan is made and where its commands run", () => {
  assert.deepEqual(Object.keys(config).toSorted(), Object.keys(projectApi).toSorted());
  for (const [name, value] of Object.entries(config)) {
    assert.equal((projectApi as Record<string, unknown>)[name], value, name);
  }
});
