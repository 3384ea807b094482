import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { normaliseRegistryArguments } from "../src/registry.js";

describe("the registry's arguments", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["6000", "listen 6000"],
    ["6000 --secret=x", "listen 6000 --secret=x"],
    ["localhost:6000 show", "show localhost:6000"],
    ["[::1]:6000 show", "show [::1]:6000"],
    ["localhost:6000 query http@1.x", "query localhost:6000 http@1.x"],
    ["show localhost:6000", "show localhost:6000"],
    ["register localhost:6000 api@1 -- node a.js", "register localhost:6000 api@1 -- node a.js"],
    ["localhost:6000 register api@1 -- x", "register localhost:6000 api@1 -- x"],
    ["localhost:6000 shwo", "shwo localhost:6000"],
    ["help", "help"],
    ["", ""],
  ];
  for (const [typed, meant] of cases) {
    it(`reads \`registry ${typed}\` as \`registry ${meant}\``, () => {
      const args = typed.split(" ").filter((word) => word !== "");
      assert.equal(normaliseRegistryArguments(args).join(" "), meant);
    });
  }
});
