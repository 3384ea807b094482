import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PlanFolder } from "../support/plan-folder.js";

const small = `name: small
stages:
  - { name: first, tasks: [{ command: execute, run: touch made }] }
  - name: second
    after: 1h
    gate: { approval: [ann] }
    concurrency: 2
    maxFailures: 1
    tasks:
      - { command: message, message: hello }
      - [{ command: execute, host: deploy@fe001, run: [a, b c] }, { command: message, message: then }]
`;

describe("propagit plan", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
    folder.write("plan.yaml", small);
  });
  afterEach(() => folder.remove());

  it("shows what would happen, and neither writes nor begins anything", async () => {
    const { code, out, errors } = await folder.run(["plan", "plan.yaml"]);
    assert.equal(code, 0, errors);
    assert.match(out, /^small\n2 stages, 4 tasks on local, deploy@fe001; [0-9a-f]{12}\n/);
    assert.match(out, /^1\. first \(one at a time\)\n local {2}would run: touch made$/m);
    assert.match(out, /waits for 1 h after the stage before ended\n {3}waits for approval by ann/);
    assert.match(out, /^2\. second \(2 at a time, 1 line may fail\)$/m);
    assert.match(out, /deploy@fe001 {2}would run: a .b c.\n local +then would say: then\n/);
    assert.match(out, /\nSyntax ok\n$/);
    assert.match(out, /^only its syntax is checked, as the hub is not asked: no hub is given$/m);
    assert.deepEqual([folder.has("home"), folder.has("made")], [false, false]);
  });

  it("says the hours of a window, and when it would open", async () => {
    const said = "{ command: message, message: hello }";
    const window =
      '{ days: [mon, tue, wed, fri], from: "22:00", to: "06:00", timeZone: Asia/Tokyo }';
    const stages = `[{ name: a, tasks: [${said}] }, { name: b, gate: { window: ${window} }, tasks: [${said}] }]`;
    folder.write("hours.yaml", `{ name: hours, stages: ${stages} }`);
    const { code, out, errors } = await folder.run(["plan", "hours.yaml"]);
    assert.equal(code, 0, errors);
    assert.match(
      out,
      /waits for mon-wed,fri 22:00-06:00, Asia\/Tokyo; it would be \d{4}-\d\d-\d\d \d\d:\d\d:\d\d here\n/,
    );
    await folder.run(["plan", "hours.yaml", "--html", "hours.html"]);
    assert.match(
      folder.read("hours.html"),
      /<li>waits for mon-wed,fri 22:00-06:00, Asia\/Tokyo; it/,
    );
  });

  it("counts the waves of a stage, also where nobody knows how long they take", async () => {
    const tasks = "[{ command: message, message: a }, { command: message, message: b }]";
    folder.write("two.yaml", `name: two\nstages: [{ name: all, concurrency: 1, tasks: ${tasks} }]`);
    const { out } = await folder.run(["plan", "two.yaml"]);
    assert.match(out, /^all █+ 2 waves$/m);
  });

  it("takes standard input", async () => {
    const { code, out } = await folder.run(["plan", "-"], { input: small });
    assert.equal(code, 0);
    assert.match(out, /^small\n/);
  });

  it("shows and writes what is left when tasks are left out by their tags or commands", async () => {
    const flags = ["--without", "message", "--save", "left.json"];
    const { code, out } = await folder.run(["plan", "plan.yaml", ...flags]);
    assert.equal(code, 0);
    assert.match(out, /^small\n2 stages, 2 tasks on local, deploy@fe001;/);
    assert.ok(!folder.read("left.json").includes("message"));
    const wrong = await folder.run(["plan", "plan.yaml", "--only", "mesage"]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.errors, /no task has the tag "mesage".*did you mean `message`/);
  });

  it("gives the plan back as it can be read again, with the same hash", async () => {
    const { out: dumped } = await folder.run(["plan", "plan.yaml", "--dump"]);
    await folder.run(["plan", "plan.yaml", "--save", "plan.json"]);
    assert.equal(folder.read("plan.json"), dumped);
    const [first, again] = await Promise.all(
      ["plan.yaml", "plan.json"].map(async (name) => {
        const { out } = await folder.run(["plan", name, "--json"]);
        return (JSON.parse(out) as { readonly hash: string }).hash;
      }),
    );
    assert.match(first ?? "", /^[0-9a-f]{64}$/);
    assert.equal(first, again);
  });

  it("writes a page in which nothing of the plan is HTML", async () => {
    const evil = "</title><script>alert(1)</script>&'\\\"";
    folder.write(
      "evil.json",
      `{"name":"${evil}","stages":[{"name":"<b>","tasks":[{"command":"message","message":"<i>${evil}"}]}]}`,
    );
    const { code } = await folder.run(["plan", "evil.json", "--html", "plan.html"]);
    const page = folder.read("plan.html");
    assert.equal(code, 0);
    assert.ok(!/<script|<b>|<i>|alert\(1\)<\/script>/.test(page));
    assert.match(
      page,
      /<title>&lt;\/title&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;&#39;&quot;<\/title>/,
    );
    assert.match(page, /default-src 'none'/);
    assert.match(page, /<rect class="task"/);
  });

  it("refuses a plan with the places of all that is wrong", async () => {
    folder.write("bad.yaml", "name: x\nstages:\n  - nme: y\n    tasks: [{ command: exeucte }]\n");
    const { code, errors } = await folder.run(["plan", "bad.yaml"]);
    assert.equal(code, 2);
    assert.match(errors, /bad\.yaml:3:5: "nme" is not known[^]*did you mean `name`/);
    assert.match(errors, /bad\.yaml:4:24: there is no command "exeucte"; did you mean `execute`/);
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no plan", ["plan"], /no plan is given/],
    [
      "a file that is not there",
      ["plan", "nope.yaml"],
      /nope\.yaml cannot be read: there is no such file/,
    ],
    ["a folder", ["plan", "."], /cannot be read: it is a folder/],
    ["a plan and a generator", ["plan", "plan.yaml", "--generator", "x"], /there is both a plan/],
    [
      "a place that cannot be written",
      ["plan", "plan.yaml", "--save", "no/where"],
      /no\/where cannot be written/,
    ],
    ["a set without a value", ["plan", "--set", "a"], /"a" is not of the form KEY\.KEY=VALUE/],
    [
      "a generator in a folder without any",
      ["plan", "--generator", "x"],
      /there is no generator "x"[^]*none: propagit\.config exports no generators/,
    ],
  ];
  for (const [what, args, why] of wrong) {
    it(`refuses ${what}`, async () => {
      const { code, errors } = await folder.run(args);
      assert.equal(code, 2, errors);
      assert.match(errors, why);
      assert.equal(folder.has("home"), false);
    });
  }
});
