import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceReport } from "@propagit/protocol";
import type { DeploymentRow } from "../../src/core/rows.js";
import { judgeSights, missingText, seenDeploymentOf, type Sight } from "../../src/core/switch.js";
import { commit, deployment, report } from "../support/desk-world.js";

function judged(sights: Readonly<Record<string, Sight>>) {
  const { unseen, cut } = judgeSights(new Map(Object.entries(sights)), (one) => `<${one}>`, 5_000);
  return { unseen, cut: Object.fromEntries(cut) };
}

const sees: Sight = { kind: "sees" };
const misses: Sight = { kind: "misses", what: "no endpoint of web of webapp 74336bc" };
const silent: Sight = { kind: "silent" };
const gone: Sight = { kind: "gone" };

describe("the judgement of what proxies see", () => {
  it("is fine when all see it, and when there is none", () => {
    assert.deepEqual(judged({ p: sees, q: sees }), { unseen: undefined, cut: {} });
    assert.deepEqual(judged({}), { unseen: undefined, cut: {} });
    assert.deepEqual(judged({ p: gone }), { unseen: undefined, cut: {} });
  });

  it("cuts off who says nothing, and goes on", () => {
    const cut = { q: "it did not answer within 5 s" };
    assert.deepEqual(judged({ p: sees, q: silent }), { unseen: undefined, cut });
    assert.deepEqual(judged({ q: silent }), { unseen: undefined, cut });
  });

  it("cuts off who does not see what others see", () => {
    const cut = { q: "it knows no endpoint of web of webapp 74336bc within 5 s, and others do" };
    assert.deepEqual(judged({ p: sees, q: misses }), { unseen: undefined, cut });
  });

  it("sends nobody where none can send him", () => {
    const unseen = "proxy <p> knows no endpoint of web of webapp 74336bc";
    assert.deepEqual(judged({ p: misses, q: misses }), { unseen, cut: {} });
    assert.deepEqual(judged({ p: misses, q: gone }).unseen, unseen);
    const cut = { q: "it did not answer within 5 s" };
    assert.deepEqual(judged({ p: misses, q: silent }), { unseen, cut });
  });
});

describe("what proxies must see of a deployment", () => {
  const row = {
    id: deployment,
    repo: "webapp",
    environment: "production",
    commit,
  } as DeploymentRow;
  const servicesOf = (...reports: readonly InstanceReport[]) =>
    seenDeploymentOf(row, reports).services;

  it("is every name that its ready instances have in the registry, each once", () => {
    const api = report("b", { service: "api", services: ["api", "api.admin"] });
    assert.deepEqual(servicesOf(report("a"), api, report("c")), ["api", "api.admin", "http"]);
  });

  it("is nothing of instances that are not ready, of others, or that listen nowhere", () => {
    const others = [
      report("a", { phase: "starting" }),
      report("b", { deployment: "f".repeat(16) }),
      report("c", { services: [] }),
    ];
    assert.deepEqual(servicesOf(...others), []);
  });

  it("is named in words when it lacks", () => {
    const seen = seenDeploymentOf(row, [report("a")]);
    const missing = [{ deployment, service: "http" }];
    assert.equal(missingText(missing, [seen]), "no endpoint of http of webapp 74336bc");
  });
});
