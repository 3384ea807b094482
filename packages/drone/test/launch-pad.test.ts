import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyToken, type RegistryPlace } from "@propagit/protocol";
import { nodeCrypto, silentLog } from "@propagit/runtime";
import { checkOptions } from "../src/core/options.js";
import { LaunchPad } from "../src/launch-pad.js";
import { clusterKey } from "./support/hub-double.js";
import { identity, rules } from "./support/instances.js";
import { hubAddress } from "./support/sim-machine.js";

/** What the token of an instance is good for, when its registry is at `registryAddress`. */
function scopeOf(registry: RegistryPlace, registryAddress: string) {
  const ports = { pick: () => Promise.resolve(5_000), isOpen: () => Promise.resolve(true) };
  const options = { hub: hubAddress, command: ["node", "web.js"], log: silentLog };
  const settings = checkOptions(options, "box");
  const credential = { id: "cluster", key: clusterKey } as const;
  const parts = { settings, credential, host: "10.0.0.1", environment: {} };
  const pad = new LaunchPad({ crypto: nodeCrypto, ports }, parts);
  const joined = { drone: "one", hub: undefined, registry, timeoutMs: 30_000 };
  const plan = { variables: {}, rules };
  const place = { identity, plan, folder: "/c", ports: { http: 5_000 }, variables: {} };
  const { REGISTRY_TOKEN } = pad.environment(place, joined, registryAddress);
  return REGISTRY_TOKEN && verifyToken(nodeCrypto, clusterKey, REGISTRY_TOKEN);
}

test("gives a token for a registry on the same machine, which may have a secret", () => {
  const { repo, commit, process, deployment } = identity;
  const scope = { repo, commit, drone: "one", process, deployment };
  assert.deepEqual(scopeOf({ port: 6000, open: true }, "localhost:6000"), scope);
  assert.deepEqual(scopeOf({ port: 6000, open: false }, "hub:6000"), scope);
});

test("shows no token to a registry of another machine that proves nothing", () => {
  assert.equal(scopeOf({ host: "other", port: 6000, open: true }, "other:6000"), undefined);
});
