import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Service, Specification } from "@propagit/protocol";
import { formatProblem } from "@propagit/shapes";
import { checkManifest, environmentOfBranch, readManifest, specificationOf } from "../src/index.js";

function specification(yaml: string, environment = "production"): Specification {
  return specificationOf(readManifest(new Map([["propagit.yaml", yaml]])), environment);
}

function service(yaml: string): Service {
  const [first] = specification(yaml).services;
  assert.ok(first);
  return first;
}

/** A service with what is written below its command. */
function web(...lines: readonly string[]): Service {
  return service(
    ["services:", "  web:", "    command: node web.js", ...lines.map((line) => `    ${line}`)].join(
      "\n",
    ),
  );
}

const webDefault: Service = {
  name: "web",
  command: ["/bin/sh", "-c", "node web.js"],
  instances: { count: 1, per: "drone" },
  on: [],
  ports: [{ name: "main" }],
  ready: "listen",
  readyTimeoutMs: 30_000,
  stop: { signal: "SIGTERM", deadlineMs: 10_000 },
  restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
  env: {},
  after: [],
};

describe("a service", () => {
  it("needs a command only, as a string for the shell or a list of words", () => {
    assert.deepEqual(web(), webDefault);
    assert.deepEqual(service("services: { web: node web.js }"), webDefault);
    const words = service("services: { web: [node, web.js, 8080] }");
    assert.deepEqual(words, { ...webDefault, command: ["node", "web.js", "8080"] });
  });

  it("runs on each matching drone or in total", () => {
    assert.deepEqual(web("instances: 2").instances, { count: 2, per: "drone" });
    assert.deepEqual(web("instances: 3 total").instances, { count: 3, per: "total" });
    assert.deepEqual(web("instances: { total: 3 }").instances, { count: 3, per: "total" });
    assert.deepEqual(web("instances: { perDrone: 0 }").instances, { count: 0, per: "drone" });
  });

  it("is placed by a label selector", () => {
    assert.deepEqual(web('on: "role=web, zone in (a,b), !gpu"').on, [
      { key: "role", op: "in", values: ["web"] },
      { key: "zone", op: "in", values: ["a", "b"] },
      { key: "gpu", op: "absent", values: [] },
    ]);
  });

  it("has a port of its own, several by name, or none", () => {
    assert.deepEqual(web("port: auto").ports, [{ name: "main" }]);
    assert.deepEqual(web("port: 8080").ports, [{ name: "main", port: 8080 }]);
    assert.deepEqual(web("port: { http: auto, admin: 9000 }").ports, [
      { name: "http" },
      { name: "admin", port: 9000 },
    ]);
    const worker = web("port: none");
    assert.deepEqual([worker.ports, worker.ready], [[], "alive"]);
  });

  it("has its health checked by path, connection or command", () => {
    const health = {
      check: { kind: "http", path: "/up", statuses: [{ low: 200, high: 399 }] },
      intervalMs: 10_000,
      timeoutMs: 5_000,
      graceMs: 0,
      healthyAfter: 1,
      unhealthyAfter: 3,
      restart: true,
    } as const;
    assert.deepEqual(web("health: /up").health, health);
    assert.deepEqual(web("health: tcp").health, { ...health, check: { kind: "tcp" } });
    assert.deepEqual(
      web(
        "health: { path: /up, status: [200, 300-302], interval: 1.5s, grace: 1m, restart: false }",
      ).health,
      {
        ...health,
        check: {
          kind: "http",
          path: "/up",
          statuses: [
            { low: 200, high: 200 },
            { low: 300, high: 302 },
          ],
        },
        intervalMs: 1_500,
        graceMs: 60_000,
        restart: false,
      },
    );
    assert.deepEqual(web("health: { command: ./check }").health?.check, {
      kind: "command",
      command: ["/bin/sh", "-c", "./check"],
    });
  });

  it("is ready, stopped and restarted as it says, in short or in long", () => {
    assert.equal(web("ready: registry").ready, "registry");
    const ready = web("ready: { when: alive, timeout: 2m }");
    assert.deepEqual([ready.ready, ready.readyTimeoutMs], ["alive", 120_000]);
    assert.deepEqual(web("stop: SIGINT").stop, { signal: "SIGINT", deadlineMs: 10_000 });
    assert.deepEqual(web("stop: 30s").stop, { signal: "SIGTERM", deadlineMs: 30_000 });
    assert.deepEqual(web("stop: { signal: SIGQUIT, deadline: 0s }").stop, {
      signal: "SIGQUIT",
      deadlineMs: 0,
    });
    assert.equal(web("restart: never").restart.policy, "never");
    assert.deepEqual(web("restart: { first: 2m, crashes: 3 }").restart, {
      policy: "always",
      firstMs: 120_000,
      maxMs: 120_000,
      crashesMax: 3,
    });
  });

  it("has limits, a user, a folder, variables as they are written", () => {
    assert.deepEqual(web("limits: { memory: 512M, cpu: 1.5, files: 4096 }").limits, {
      otherwise: "refuse",
      memoryBytes: 512 * 1024 * 1024,
      files: 4096,
      cpuPercent: 150,
    });
    const { user, cwd, env } = web(
      "user: www-data",
      "cwd: app/server",
      'env: { VERSION: 1.10, DEBUG: true, BIG: 12345678901234567890, EMPTY: "" }',
    );
    assert.deepEqual([user, cwd], ["www-data", "app/server"]);
    assert.deepEqual(env, {
      VERSION: "1.10",
      DEBUG: "true",
      BIG: "12345678901234567890",
      EMPTY: "",
    });
  });

  it("may share what it says with others by an alias", () => {
    const { services } = specification(
      "services:\n  a: &one { command: node a.js, after: [] }\n  b: *one\n",
    );
    assert.deepEqual(services[1], { ...services[0], name: "b" });
  });
});

describe("build, test and release", () => {
  it("are a command, or one with what it needs", () => {
    const { build, test, release } = specification(
      [
        "env: { LEVEL: info, MODE: all }",
        "services: {}",
        "build: { command: npm ci, include: dist, cache: [node_modules], on: builder }",
        "test: npm test",
        "release: { command: [./migrate], timeout: 1h, env: { MODE: release } }",
      ].join("\n"),
    );
    assert.deepEqual(build, {
      command: ["/bin/sh", "-c", "npm ci"],
      on: [{ key: "builder", op: "exists", values: [] }],
      env: {},
      timeoutMs: 1_800_000,
      include: ["dist"],
      exclude: [],
      cache: ["node_modules"],
    });
    const env = { LEVEL: "info", MODE: "all" };
    assert.deepEqual(test, {
      command: ["/bin/sh", "-c", "npm test"],
      on: [],
      env,
      timeoutMs: 600_000,
    });
    assert.deepEqual(release, {
      command: ["./migrate"],
      on: [],
      env: { ...env, MODE: "release" },
      timeoutMs: 3_600_000,
    });
  });
});

describe("environments", () => {
  const yaml = `
services:
  web:
    command: node web.js
    health: /up
    env: { LOG: info, COLOUR: red }
  mail: { command: node mail.js, port: none }
build: npm ci
keep: { releases: 9 }
environments:
  staging:
    services:
      web: { instances: 2, env: { LOG: debug, COLOUR: null }, health: { interval: 1s } }
      mail: null
    build: null
    keep: { warm: 0 }
  review: null
deploy: { main: production, next: { environment: staging, promote: false } }
`;

  it("are laid over what all share, key by key; null takes away", () => {
    const staging = specification(yaml, "staging");
    const [first, ...others] = staging.services;
    assert.deepEqual(others, []);
    assert.deepEqual(first?.instances, { count: 2, per: "drone" });
    assert.deepEqual(first.env, { LOG: "debug" });
    assert.equal(first.health?.intervalMs, 1_000);
    assert.deepEqual(first.health.check, {
      kind: "http",
      path: "/up",
      statuses: [{ low: 200, high: 399 }],
    });
    assert.equal(staging.build, undefined);
    assert.deepEqual(staging.keep, { releases: 9, warm: 0, forMs: 86_400_000 });
  });

  it("never take anything from one another, and one that is not named is as all", () => {
    const production = specification(yaml);
    assert.deepEqual(
      production.services.map(({ name }) => name),
      ["web", "mail"],
    );
    assert.deepEqual(specification(yaml, "elsewhere"), production);
    assert.deepEqual(specification(yaml, "review"), production);
  });

  it("are reached by the branches that say so", () => {
    const manifest = readManifest(new Map([["propagit.yaml", yaml]]));
    assert.deepEqual(manifest.environments, ["production", "staging", "review"]);
    assert.deepEqual(environmentOfBranch(manifest, "main"), {
      branch: "main",
      environment: "production",
      promote: undefined,
    });
    assert.equal(environmentOfBranch(manifest, "next")?.promote, false);
    assert.equal(environmentOfBranch(manifest, "other"), undefined);
  });

  it("that only a branch names are allowed, with a warning when it looks mistyped", () => {
    const of = (deploy: string) =>
      readManifest(new Map([["propagit.yaml", `services: {}\ndeploy: { main: ${deploy} }`]]));
    assert.deepEqual(of("preview").warnings, []);
    assert.deepEqual(of("prodution").warnings, [
      "propagit.yaml:2:17: environment `prodution` is named nowhere else; did you mean `production`?",
    ]);
  });
});

describe("routes", () => {
  it("at the top are production's; another environment has those that it names", () => {
    const manifest = readManifest(
      new Map([
        [
          "propagit.yaml",
          `services: { web: node web.js }
routes: [www.example.com]
environments:
  staging: { env: { LOG: debug } }
  preview: { routes: [preview.example.com] }
`,
        ],
      ]),
    );
    const hosts = (name: string) => specificationOf(manifest, name).routes.map(({ host }) => host);
    assert.deepEqual(["production", "staging", "preview", "other"].map(hosts), [
      ["www.example.com"],
      [],
      ["preview.example.com"],
      [],
    ]);
  });

  it("are host names, with or without a path and a service", () => {
    const { routes } = specification(
      "services: { web: a, api: b }\nroutes: [WWW.example.com, example.com/shop, { host: example.com, path: /api, service: api }]",
    );
    assert.deepEqual(routes, [
      { host: "www.example.com" },
      { host: "example.com", path: "/shop" },
      { host: "example.com", path: "/api", service: "api" },
    ]);
  });
});

describe("files", () => {
  it("count in their order: propagit.yaml, Procfile, package.json", () => {
    const files: [string, string][] = [
      ["propagit.yaml", "services: { a: a }"],
      ["propagit.yml", "services: { b: b }"],
      ["Procfile", "c: c"],
      ["package.json", '{ "scripts": { "start": "d" } }'],
    ];
    const seen = files.map((_, index) => {
      const manifest = readManifest(new Map(files.slice(index)));
      const [first] = specificationOf(manifest, "production").services;
      return [manifest.source, first?.command[2]];
    });
    assert.deepEqual(seen, [
      ["propagit.yaml", "a"],
      ["propagit.yml", "b"],
      ["Procfile", "c"],
      ["package.json", "d"],
    ]);
  });

  it("that say nothing leave drones to their own commands, and visitors where they are", () => {
    for (const files of [[], [["package.json", '{ "name": "x" }']]] as [string, string][][]) {
      const manifest = readManifest(new Map(files));
      assert.equal(manifest.source, undefined);
      assert.deepEqual(specificationOf(manifest, "production"), {
        services: [],
        routes: [],
        promote: "first",
      });
    }
  });

  it("without services take those of the next file", () => {
    const manifest = readManifest(
      new Map([
        [
          "propagit.yaml",
          "routes: [www.example.com]\nenvironments: { staging: { services: { web: { instances: 3 } } } }",
        ],
        ["Procfile", "web: node web.js\n"],
      ]),
    );
    assert.equal(manifest.source, "propagit.yaml");
    const staging = specificationOf(manifest, "staging");
    assert.deepEqual(staging.services, [{ ...webDefault, instances: { count: 3, per: "drone" } }]);
    assert.deepEqual(staging.routes, []);
  });

  it("like a Procfile have a web that listens, workers, and a release command", () => {
    const { services, release } = specificationOf(
      readManifest(
        new Map([
          [
            "Procfile",
            "# as on Heroku\nweb: node web.js\r\n\nmail:  node mail.js # all\nrelease: ./migrate\n",
          ],
        ]),
      ),
      "production",
    );
    assert.deepEqual(services, [
      webDefault,
      {
        ...webDefault,
        name: "mail",
        command: ["/bin/sh", "-c", "node mail.js # all"],
        ports: [],
        ready: "alive",
      },
    ]);
    assert.deepEqual(release?.command, ["/bin/sh", "-c", "./migrate"]);
  });

  it("like a broken package.json are passed over with a warning", () => {
    const manifest = readManifest(new Map([["package.json", "{"]]));
    assert.deepEqual([manifest.source, manifest.warnings.length], [undefined, 1]);
  });

  it("keep and promote as releases want it, unless they say otherwise", () => {
    const { keep, promote } = specification("services: { web: a }");
    assert.deepEqual([keep, promote], [{ releases: 5, warm: 1, forMs: 86_400_000 }, "always"]);
    const other = specification("services: {}\npromote: first\nkeep: { releases: 1 }");
    assert.deepEqual(
      [other.keep, other.promote],
      [{ releases: 1, warm: 0, forMs: 86_400_000 }, "first"],
    );
  });

  it("tell every problem at once, in their order", () => {
    const checked = checkManifest(
      new Map([["propagit.yaml", "services:\n  web:\n    comand: x\n    port: 0\nrutes: []\n"]]),
    );
    assert.ok(!checked.ok);
    assert.deepEqual(checked.problems.map(formatProblem), [
      'propagit.yaml:3:5: "comand" is not known in `services.web`; did you mean `command`?',
      "propagit.yaml:3:5: `services.web` has no `command`",
      'propagit.yaml:4:11: `services.web.port` "0" is not a port, `auto`, `none` or ports by name',
      'propagit.yaml:5:1: "rutes" is not known here; did you mean `routes`?',
    ]);
  });
});
