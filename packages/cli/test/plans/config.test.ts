import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PlanFolder } from "../support/plan-folder.js";

/** Deploys packages to hosts; here each host is a folder of this machine. */
const project = `import { defineCommand, defineConfig, defineGenerator, hostGroups, list, object, record, text, whole } from "propagit/config";

const unpacked = defineCommand({
  name: "unpacked",
  summary: "Says what it would unpack",
  args: object({ file: text(), on: text() }, ["file", "on"]),
  describe: ({ file, on }) => \`would unpack \${file} on \${on}\`,
  run: async ({ file, on }, { say }) => {
    say(\`unpacking \${file} on \${on}\`);
    return { outcome: "done" };
  },
  actsAgain: true,
  example: { file: "a", on: "b" },
});

const name = { pattern: "^[a-z][a-z0-9-]*$", why: "is not a name", max: 100 };
const deploy = defineGenerator({
  name: "deploy",
  summary: "Deploys packages in groups",
  config: object(
    { branch: text(), service: record(name, object({ type: text(), hosts: list(text(), 100), minUp: whole(0, 100), link: text() }, ["hosts", "minUp"])) },
    ["service"],
  ),
  async generate({ config, packages, environment = "none", redeploy, force, versions, log }) {
    log.info(\`deploying to \${environment}\`);
    const stages = [];
    for (const { service, version, file = version } of packages) {
      const { hosts, minUp, link } = config.service.get(service)!.value;
      const there = link === undefined ? undefined : await versions([{ service, link }]);
      if (there?.of(service) === version && !redeploy) continue;
      for (const [index, group] of hostGroups(hosts, minUp, { force }).entries()) {
        stages.push({
          name: \`\${service} \${index + 1}\`,
          concurrency: "100%",
          tasks: group.map((on) => ({ command: "unpacked", file, on })),
        });
      }
    }
    return { name: \`Deploy to \${environment}\`, stages };
  },
});

export default defineConfig({ commands: [unpacked], generators: [deploy] });
`;

const config = `generator: deploy
branch: main
defaults:
  frontend: { minUp: 1 }
environments:
  staging: { branch: develop }
  prod: { inherits: staging, branch: release }
service:
  web-frontend: { type: frontend, hosts: [fe1, fe2, fe3] }
  api: { hosts: [be1], minUp: 0 }
`;

describe("a project's generator and configuration", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
    folder.write("propagit.config.ts", project);
    folder.write("propagit.deploy.yaml", config);
  });
  afterEach(() => folder.remove());

  it("make a plan, which is shown, saved, and carried out as it was saved", async () => {
    mkdirSync(join(folder.path, "packages"));
    for (const name of ["web-frontend-1.2.tar.gz", "api-7.zip", "notes.txt"])
      folder.write(`packages/${name}`, "");
    const asked = ["--directory", "packages", "-e", "prod"];
    const shown = await folder.run(["plan", ...asked, "--save", "plan.json"]);
    assert.equal(shown.code, 0, shown.errors);
    assert.match(
      shown.errors,
      /\[config {9}\] \[\*\] loading configuration from propagit\.deploy\.yaml/,
    );
    assert.match(shown.errors, /\[deploy {9}\] \[\*\] deploying to prod/);
    assert.match(shown.out, /^Deploy to prod\n3 stages, 4 tasks/);
    assert.match(shown.out, /2\. web-frontend 1 \(2 at a time\)\n.*on fe1\n.*on fe2\n/);
    assert.match(
      shown.out,
      /3\. web-frontend 2 \(one at a time\)\n.*web-frontend-1\.2\.tar\.gz on fe3\n/,
    );
    assert.doesNotMatch(shown.out, /Syntax ok/);
    const applied = await folder.run(["apply", "plan.json"]);
    assert.equal(applied.code, 0, applied.errors);
    assert.match(applied.out, /\[unpacked {7}\] \[local\] unpacking .*api-7\.zip on be1/);
    const direct = await folder.run(["apply", ...asked]);
    assert.equal(direct.code, 0, direct.errors);
  });

  it("leave out what is there already, unless it is to be deployed again", async () => {
    const link = join(folder.path, "current");
    mkdirSync(join(folder.path, "api-7"));
    await import("node:fs/promises").then(({ symlink }) => symlink("api-7", link));
    const args = ["--component", "api@7", "--set", `service.api.link=${link}`];
    const nothing = await folder.run(["apply", ...args]);
    assert.equal(nothing.code, 0, nothing.errors);
    assert.match(nothing.out, /\[engine {9}\] \[\*\] nothing to do/);
    assert.equal(folder.has("home"), false);
    assert.match((await folder.run(["plan", ...args])).out, /nothing to do/);
    assert.match((await folder.run(["plan", ...args, "--redeploy"])).out, /would unpack 7 on be1/);
    assert.match(
      (await folder.run(["plan", "--component", "api@8", ...args.slice(2)])).out,
      /would unpack 8/,
    );
  });

  it("refuse what leaves too few up, unless forced", async () => {
    const args = ["plan", "--component", "web-frontend@2", "--set", "service.web-frontend.minUp=3"];
    const refused = await folder.run(args);
    assert.equal(refused.code, 2);
    assert.match(
      refused.errors,
      /at least 3 of 3 must stay up, so none may be replaced[^]*--force/,
    );
    assert.match((await folder.run([...args, "--force"])).out, /3 stages/);
  });

  it("are found from a folder further down, up to the repository's top", async () => {
    mkdirSync(join(folder.path, ".git"));
    mkdirSync(join(folder.path, "below"));
    const { code, errors } = await folder.run(["config", "verify", "--project", "."]);
    assert.equal(code, 0, errors);
    folder.write("below/.keep", "");
    const below = await folder.run(["config", "verify"]);
    assert.equal(below.code, 0, below.errors);
  });

  it("go on with commands of the project, from wherever somebody resumes", async () => {
    const applied = await folder.run(["apply", "--component", "api@1"]);
    assert.equal(applied.code, 0, applied.errors);
    folder.write("propagit.config.ts", "export default {};");
    folder.write(
      "plan.json",
      JSON.stringify({
        name: "x",
        stages: [{ name: "s", tasks: [{ command: "unpacked", file: "a", on: "b" }] }],
      }),
    );
    const gone = await folder.run(["apply", "plan.json"]);
    assert.equal(gone.code, 2);
    assert.match(gone.errors, /there is no command "unpacked"/);
  });

  it("are verified: right, or told with place and reason", async () => {
    const right = await folder.run(["config", "verify", "-e", "prod"]);
    assert.match(right.out, /the configuration is right: 6 values for generator deploy/);
    folder.write("more.yaml", "service:\n  api:\n    hosts: be1\n  new: { minUp: 1 }\n");
    const wrong = await folder.run([
      "config",
      "verify",
      "-c",
      "propagit.deploy.yaml",
      "-c",
      "more.yaml",
    ]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.errors, /more\.yaml:3:12: `service\.api\.hosts` is text, not a list/);
    assert.match(wrong.errors, /more\.yaml:4:8: `service\.new` has no `hosts`/);
  });

  it("are verified in each environment, each mistake told once", async () => {
    const right = await folder.run(["config", "verify"]);
    assert.match(right.out, /for generator deploy, also in staging, prod\n/);
    folder.write(
      "more.yaml",
      "environments:\n  staging: { brunch: x }\n  gone: { inherits: prodd }\n",
    );
    const files = ["-c", "propagit.deploy.yaml", "-c", "more.yaml"];
    const wrong = await folder.run(["config", "verify", ...files]);
    assert.equal(wrong.code, 2, wrong.out);
    assert.match(wrong.errors, /more\.yaml:2:14: "brunch" is not known/);
    assert.match(wrong.errors, /more\.yaml:3:21: there is no "prodd" in `environments`/);
    assert.equal(
      wrong.errors.split("brunch").length,
      2,
      "prod inherits it, and has the same mistake",
    );
  });

  it("are what their page shows", async () => {
    const page = readFileSync(new URL("../../../../../docs/config.md", import.meta.url), "utf8");
    const block = (kind: string) =>
      new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "ms").exec(page)?.[1] ?? "";
    folder.write("propagit.config.ts", block("ts"));
    folder.write("propagit.deploy.yaml", block("yaml"));
    const verified = await folder.run(["config", "verify"]);
    assert.equal(verified.code, 0, verified.errors);
    const { out } = await folder.run(["config", "show", "-e", "production"]);
    assert.ok(page.includes(`\`\`\`text\n${out}\`\`\`\n`), out);
  });

  it("are shown merged, with where each value comes from", async () => {
    const env = { PROPAGIT_CONFIG_SERVICE__API__MIN_UP: "1" };
    const { out } = await folder.run(
      ["config", "show", "-e", "prod", "--set", "service.api.hosts=[x]"],
      { env },
    );
    assert.match(out, /^generator deploy, environment prod\n/);
    assert.match(out, /^branch +"release" +propagit\.deploy\.yaml:7:38$/m);
    assert.match(out, /^service\.web-frontend\.minUp +1 +propagit\.deploy\.yaml:4:22$/m);
    assert.match(out, /^service\.api\.minUp +1 +PROPAGIT_CONFIG_SERVICE__API__MIN_UP$/m);
    assert.match(out, /^service\.api\.hosts +\["x"\] +--set service\.api\.hosts=\[x\]$/m);
    const json = await folder.run(["config", "show", "--json"]);
    assert.equal((JSON.parse(json.out) as { config: { branch: string } }).config.branch, "main");
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      "an empty folder of packages",
      ["plan", "--directory", "home-of-none"],
      /cannot be read as a folder/,
    ],
    [
      "a component that is no package",
      ["plan", "--component", "nonsense"],
      /component "nonsense" is no package/,
    ],
    [
      "a package that is not there",
      ["plan", "--component", "api-9.zip"],
      /there is no file .*api-9\.zip/,
    ],
    [
      "two versions",
      ["plan", "--component", "api@1", "--component", "api@2"],
      /api is asked for in two versions: 1 and 2/,
    ],
    [
      "an environment that is not there",
      ["plan", "-e", "prd"],
      /there is no "prd" in `environments`; did you mean `prod`/,
    ],
    [
      "a service that is not there",
      ["plan", "--component", "apo@1"],
      /generator deploy failed: .*propagit\.config\.ts:\d+/,
    ],
    ["a project that is not there", ["plan", "--project", "nowhere"], /nowhere cannot be read/],
  ];
  for (const [what, args, why] of wrong) {
    it(`refuse ${what}`, async () => {
      const { code, errors } = await folder.run(args);
      assert.equal(code, 2, errors);
      assert.match(errors, why);
    });
  }
});
