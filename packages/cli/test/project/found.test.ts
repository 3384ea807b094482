import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readManifest, specificationOf } from "@propagit/manifest";
import fc from "fast-check";
import { repoNameOf } from "../../src/commands/init.js";
import { findProject, type Found } from "../../src/project/found.js";
import { missingScripts } from "../../src/project/missing-scripts.js";
import { manifestText } from "../../src/project/write-manifest.js";

function found(files: Readonly<Record<string, string>>): Found {
  return findProject({ has: (path) => path in files, read: (path) => files[path] });
}

function written(what: Found, branch = "main") {
  const text = manifestText({ found: what, branch, schema: "./schema.json" });
  return readManifest(new Map([["propagit.yaml", text]]));
}

const packageOf = (manifest: object) => ({ "package.json": JSON.stringify(manifest) });

describe("what a project consists of", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, Partial<Found>])[] = [
    [
      "a start script and a lock file",
      {
        ...packageOf({ scripts: { start: "node a.js", build: "x" }, dependencies: { a: "1" } }),
        "package-lock.json": "",
      },
      {
        services: [{ name: "web", command: "node a.js", listens: true }],
        build: { command: "npm ci && npm run build", cache: ["node_modules"] },
      },
    ],
    [
      "a main file",
      { ...packageOf({}), "web.js": "" },
      { services: [{ name: "web", command: "node web.js", listens: true }] },
    ],
    [
      "a Procfile",
      { Procfile: "web: a\nwork: b c\nrelease: d\n" },
      {
        services: [
          { name: "web", command: "a", listens: true },
          { name: "work", command: "b c", listens: false },
        ],
        release: "d",
      },
    ],
    [
      "Django",
      { "manage.py": "", "requirements.txt": "" },
      { release: "python3 manage.py migrate --noinput", env: { PYTHONPATH: ".packages" } },
    ],
    ["Go", { "go.mod": "" }, { build: { command: "go build -o app .", cache: [] } }],
    ["pages", { "public/index.html": "" }, { from: "public/index.html" }],
    ["nothing", {}, { from: "nothing" }],
  ];
  for (const [name, files, wanted] of cases) {
    it(`is seen from ${name}, and what is written of it is right`, () => {
      const seen = found(files);
      assert.deepEqual({ ...seen, ...wanted }, seen);
      const manifest = written(seen);
      const { services, build, release } = specificationOf(manifest, "production");
      assert.deepEqual(
        services.map((one) => ({
          name: one.name,
          command: one.command[2],
          listens: one.ports.length > 0,
        })),
        seen.services,
      );
      assert.equal(build?.command[2], seen.build?.command);
      assert.equal(release?.command[2], seen.release);
      assert.deepEqual(manifest.branches, [
        { branch: "main", environment: "production", promote: undefined },
      ]);
    });
  }

  it("is written so that any command and branch are read as they were", () => {
    const line = fc.stringMatching(/^\S(?:[ -~]{0,30}\S)?$/);
    fc.assert(
      fc.property(
        line,
        fc.constantFrom("main", "feature/a", "true", "1.0", "on"),
        (command, branch) => {
          const service = { name: "web", command, listens: true };
          const manifest = written({ from: "x", services: [service], hints: [] }, branch);
          assert.equal(specificationOf(manifest, "production").services[0]?.command[2], command);
          assert.equal(manifest.branches[0]?.branch, branch);
        },
      ),
    );
  });

  it("has a hint when a Dockerfile names a port", () => {
    assert.match(found({ Dockerfile: "FROM x\nEXPOSE 8080\n" }).hints.join(), /port: 8080/);
  });
});

describe("a repository's name", () => {
  it("is made of the folder's, whatever that is", () => {
    assert.equal(repoNameOf("My App!"), "my-app");
    assert.equal(repoNameOf("webapp.git"), "webapp");
    assert.equal(repoNameOf("a--b..c"), "a-b.c");
    assert.throws(() => repoNameOf("…"), { code: "BAD_NAME" });
  });
});

describe("scripts that are not there", () => {
  const missing = (yaml: string) => {
    const manifest = readManifest(new Map([["propagit.yaml", yaml]]));
    return missingScripts(specificationOf(manifest, "production"), (path) => path === "web.js");
  };

  it("are named with who runs them", () => {
    assert.deepEqual(
      missing("services: { a: node web.js, b: node wbe.js, c: [./run, x] }\ntest: exec ./check"),
      [
        { where: "services.b", file: "wbe.js" },
        { where: "services.c", file: "run" },
        { where: "test", file: "check" },
      ],
    );
    assert.deepEqual(missing("services: { a: { command: node web.js, cwd: app } }"), [
      { where: "services.a", file: "app/web.js" },
    ]);
  });

  it("are not guessed at: programs, shell lines, and what a build may make", () => {
    assert.deepEqual(
      missing('services: { a: npm start, b: "cd x && node y.js", c: node --test, d: /bin/x }'),
      [],
    );
    assert.deepEqual(missing("services: { a: node dist/web.js }\nbuild: npm run build"), []);
  });
});
