import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "@propagit/runtime";
import fc from "fast-check";
import { deploymentIdOf, type DeploymentContent } from "../../src/core/deployment-id.js";
import { emptySpecification, service } from "../support/specifications.js";

const key = "a1".repeat(32);
const web = service("web", { env: { A: "1", B: "2" } });
const content: DeploymentContent = {
  repo: "webapp",
  environment: "production",
  commit: "a".repeat(40),
  specification: { ...emptySpecification, services: [web] },
  variables: { A: "1", B: "2" },
};
const idOf = (changes: Partial<DeploymentContent> = {}, underKey = key) =>
  deploymentIdOf(nodeCrypto, underKey, { ...content, ...changes });
const withWeb = (changes: Parameters<typeof service>[1]) =>
  idOf({ specification: { ...content.specification, services: [{ ...web, ...changes }] } });

test("an id is 16 hex characters, and the same for the same in another order", () => {
  assert.match(idOf(), /^[0-9a-f]{16}$/);
  assert.equal(idOf({ variables: { B: "2", A: "1" } }), idOf());
  assert.equal(withWeb({ env: { B: "2", A: "1" } }), idOf());
});

test("how many there are and where, who gets visitors and what is kept make no difference", () => {
  assert.equal(withWeb({ instances: { count: 7, per: "total" } }), idOf());
  assert.equal(
    withWeb({ on: [{ key: "role", operator: "is", values: ["web"] }] as never }),
    idOf(),
  );
  assert.equal(withWeb({ minUp: { instances: 3 } }), idOf());
  const waves = { canary: "web-1" };
  const specification = { ...content.specification, waves, promote: "first" as const };
  assert.equal(idOf({ specification }), idOf());
});

test("whatever makes a difference to a process makes another id, and so does another hub's key", () => {
  const build = { command: ["make"], on: [], timeoutMs: 1, env: {} } as never;
  const ids = [
    idOf(),
    idOf({ repo: "other" }),
    idOf({ environment: "staging" }),
    idOf({ commit: "b".repeat(40) }),
    idOf({ variables: { A: "1" } }),
    idOf({ variables: { A: "2", B: "1" } }),
    idOf({ specification: { ...content.specification, build } }),
    withWeb({ command: ["node", "other.js"] }),
    withWeb({ env: { A: "1" } }),
    withWeb({ readyTimeoutMs: 1 }),
    idOf({}, "b2".repeat(32)),
  ];
  assert.equal(new Set(ids).size, ids.length);
});

test("property: other settings are another id", () => {
  const variables = fc.dictionary(fc.constantFrom("A", "B", "toString"), fc.string());
  fc.assert(
    fc.property(variables, variables, (left, right) => {
      const sorted = (of: object) =>
        JSON.stringify(
          Object.entries(of)
            .map(([name, value]) => `${name}=${value}`)
            .toSorted(),
        );
      const isSame = sorted(left) === sorted(right);
      assert.equal(idOf({ variables: left }) === idOf({ variables: right }), isSame);
    }),
  );
});
