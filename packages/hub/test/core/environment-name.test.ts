import assert from "node:assert/strict";
import { test } from "node:test";
import { remarkNewEnvironment } from "../../src/core/environment-name.js";

const manifest = {
  source: "propagit.yaml",
  environments: ["production", "staging", "web-1", "qa"],
} as const;
const remark = (name: string) => remarkNewEnvironment(name, manifest);

test("an environment that the manifest names is no news, another one is", () => {
  assert.equal(remark("staging"), undefined);
  assert.equal(
    remark("preview"),
    "environment preview is new; propagit.yaml names production, staging, web-1, qa",
  );
  const nothing = { source: undefined, environments: ["production"] };
  assert.equal(remarkNewEnvironment("staging", nothing), "environment staging is new");
});

test("a slip is refused and says what may be meant; numbers, short and other names are none", () => {
  for (const name of ["productoin", "prodction", "productionn", "profuction", "roduction"]) {
    assert.throws(
      () => remark(name),
      { code: "BAD_NAME", hint: /^did you mean production\? / },
      name,
    );
  }
  for (const name of ["web-2", "web-12", "qb", "stagnig-a", "produce", "gnigats"]) {
    assert.ok(remark(name)?.startsWith(`environment ${name} is new`), name);
  }
});
