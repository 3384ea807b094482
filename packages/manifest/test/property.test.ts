import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { check, PropagitError, specificationSchema } from "@propagit/protocol";
import fc from "fast-check";
import Schema from "typebox/schema";
import { stringify } from "yaml";
import { manifestSchema, readManifest, specificationOf } from "../src/index.js";

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const duration = fc
  .tuple(fc.nat(99), fc.constantFrom("s", "m", "h"))
  .map(([count, unit]) => `${count + 1}${unit}`);
const shortDuration = fc.constantFrom("500ms", "1s", "2.5s");
const command = fc.oneof(
  fc.constantFrom("node web.js", "exec ./run --a='b c'", "a: b # c"),
  fc.array(fc.stringMatching(/^[ -~]{1,12}$/), { minLength: 1, maxLength: 4 }),
);
const variables = fc.dictionary(
  fc.stringMatching(/^[A-Z]{2,6}_X$/),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  { maxKeys: 4 },
);
const folder = fc.stringMatching(/^[a-z]{1,5}(?:\/[a-z]{1,5}){0,2}$/);
const optional = { requiredKeys: ["command"] as ["command"] };

const service = fc.record(
  {
    command,
    instances: fc.oneof(fc.nat(9), fc.constantFrom("3 total", { total: 2 }, { perDrone: 1 })),
    on: fc.constantFrom("role=web", "zone in (a,b), !gpu", "tier!=db"),
    port: fc.oneof(fc.constant("auto"), fc.constant({ http: "auto", admin: "auto" })),
    health: fc.oneof(
      fc.constantFrom("/up", "tcp"),
      fc.record({
        path: fc.constant("/a?b=c"),
        status: fc.constantFrom(200, "200-204"),
        interval: shortDuration,
      }),
      fc.record({ command, unhealthyAfter: fc.integer({ min: 1, max: 9 }) }),
    ),
    ready: fc.constantFrom("listen", "registry", { when: "alive", timeout: "1m" }),
    stop: fc.oneof(fc.constantFrom("SIGINT", "30s"), fc.record({ deadline: duration })),
    restart: fc.constantFrom("always", "never", { policy: "on-failure", crashes: 3 }),
    env: variables,
    limits: fc.record({ memory: fc.constantFrom("64M", "1.5G"), cpu: fc.constantFrom(0.5, 2) }),
    cwd: folder,
    minUp: fc.constantFrom(0, 1, "40%", "5 %"),
  },
  optional,
);
const build = fc.oneof(
  command,
  fc.record({ command, include: fc.oneof(folder, fc.array(folder)), timeout: duration }, optional),
);
const bounded = fc.oneof(duration, shortDuration);
const rules = fc.record(
  {
    maintenance: fc.constantFrom("back soon", { text: "<h1>soon</h1>", retryAfter: "10m" }),
    allow: fc.constantFrom("10.0.0.0/8", ["192.0.2.7", "2001:db8::/32"]),
    deny: fc.constantFrom([], "::1"),
    pins: fc.boolean(),
    maxBody: fc.constantFrom("10MB", 512, "1.5G"),
    rate: fc.constantFrom(
      "100/s",
      { limit: "5/m", burst: 3, by: "visitor" },
      { limit: "1/s", burst: 9 },
    ),
    timeouts: fc.record({ connect: bounded, head: bounded, idle: bounded }, { requiredKeys: [] }),
    retries: fc.constantFrom(0, { attempts: 2, budget: "5%" }, { attempts: 1, budget: 12.5 }),
    visitor: fc.constantFrom({ header: "X-User" }, { header: "X-User", cookie: "uid" }),
    stickyInstance: fc.boolean(),
    slowStart: bounded,
    httpsOnly: fc.boolean(),
    hsts: fc.constantFrom("365d", { maxAge: "1d", includeSubdomains: true, preload: false }),
    requestHeaders: fc.constantFrom({ set: { "X-A": 1 }, remove: "Accept-Language" }),
    answerHeaders: fc.constantFrom({ remove: ["Server"] }, {}),
  },
  { requiredKeys: [] },
);
const route = fc.oneof(
  fc.constantFrom("a.example", "b.example/api", "c", "*.d.example"),
  rules.map((own) => ({ ...own, host: "e.example", path: "/e", strip: true })),
  fc.constantFrom(
    { host: "f.example", rewrite: "/v2", path: "/v1" },
    { host: "g.example", redirect: "https://e.example/*" },
    { host: "h.example", redirect: { to: "http://e.example", status: 301 } },
  ),
);
const environment = fc.record(
  {
    services: fc.dictionary(name, service, { maxKeys: 4 }),
    build,
    test: command,
    release: fc.record({ command, env: variables }),
    env: variables,
    routes: fc.uniqueArray(route, {
      maxLength: 4,
      selector: (one) => (typeof one === "string" ? one : one.host),
    }),
    traffic: rules,
    keep: fc.record(
      { releases: fc.integer({ min: 1, max: 9 }), for: duration },
      { requiredKeys: [] },
    ),
    waves: fc.constantFrom(
      "zone",
      "label:rack",
      [10, "50%", "100 %"],
      { by: "25%", canary: "web-1" },
      { canary: "web-1" },
    ),
    promote: fc.constantFrom("always", "first"),
  },
  { requiredKeys: [] },
);
const manifest = fc
  .tuple(
    environment,
    fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), environment, { maxKeys: 2 }),
    fc.dictionary(name, fc.constantFrom("production", "staging"), { maxKeys: 2 }),
  )
  .map(([common, environments, deploy]) => ({
    ...common,
    environments: Object.fromEntries(
      Object.entries(environments).map(([key, one]) => [key, withoutHealth(one)]),
    ),
    deploy,
  }));

/** Two kinds of check laid over each other are one too many, which is refused. */
function withoutHealth<T extends { services?: Record<string, { health?: unknown }> }>(one: T): T {
  const services = Object.entries(one.services ?? {});
  const without = services.map(([key, service]) => {
    const others = Object.entries(service).filter(([field]) => field !== "health");
    return [key, Object.fromEntries(others)] as const;
  });
  return { ...one, ...(one.services && { services: Object.fromEntries(without) }) };
}

describe("any manifest", () => {
  it("that the editor's schema allows is read into what hub and drones take, for every environment", () => {
    const schema = Schema.Compile(manifestSchema());
    fc.assert(
      fc.property(manifest, (value) => {
        const text = stringify(value, { aliasDuplicateObjects: false });
        assert.ok(schema.Check(value), JSON.stringify(schema.Errors(value)));
        const read = readManifest(new Map([["propagit.yaml", text]]));
        assert.deepEqual(
          new Set(read.environments),
          new Set([
            "production",
            ...Object.keys(value.environments),
            ...Object.values(value.deploy),
          ]),
        );
        for (const one of [...read.environments, "other"]) {
          const specification = specificationOf(read, one);
          assert.deepEqual(check(specificationSchema, specification), {
            ok: true,
            value: specification,
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("that names no environment is the same in each, but for the hosts of production", () => {
    fc.assert(
      fc.property(environment, name, (value, other) => {
        const read = readManifest(new Map([["propagit.yaml", stringify(value)]]));
        const production = specificationOf(read, "production");
        const routes = other === "production" ? production.routes : [];
        assert.deepEqual(specificationOf(read, other), { ...production, routes });
      }),
    );
  });

  it("with letters lost, doubled or swapped is read or refused, and nothing else happens", () => {
    const mutation = fc.record({
      at: fc.nat(),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom("\n", ": ", "&a", "*a", "{", "[", "- ", "null", "\t", "!!int ", "---\n"),
      ),
    });
    fc.assert(
      fc.property(
        manifest,
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (value, mutations) => {
          let text = stringify(value);
          for (const { at, cut, put } of mutations) {
            const place = at % (text.length + 1);
            text = text.slice(0, place) + put + text.slice(place + cut);
          }
          readOrRefuse("propagit.yaml", text);
          readOrRefuse("Procfile", text);
          readOrRefuse("package.json", text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of any text at all is read or refused", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        for (const file of ["propagit.yaml", "propagit.yml", "Procfile", "package.json"]) {
          readOrRefuse(file, text);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function readOrRefuse(file: string, text: string): void {
  try {
    readManifest(new Map([[file, text]]));
  } catch (thrown) {
    assert.ok(thrown instanceof PropagitError, String((thrown as Error).stack));
    assert.equal(thrown.code, "BAD_MANIFEST");
    assert.match(thrown.message, new RegExp(`^${file}:\\d+:\\d+: `));
  }
}
