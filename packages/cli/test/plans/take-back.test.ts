/** What of a plan can be taken back: said before it, at its end, and done when somebody asks. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PlanFolder } from "../support/plan-folder.js";

/** What was moved is put back, what a program did is not; the last task fails. */
const moving = `name: moved
stages:
  - name: move
    tasks:
      - { command: message, message: hello }
      - { command: move, from: FOLDER/old, to: FOLDER/new }
      - { command: execute, run: "true" }
  - name: check
    ONFAILURE
    tasks: [{ command: execute, run: "false" }]
`;

describe("a plan that fails in the end", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
  });
  afterEach(() => folder.remove());

  function write(onFailure = ""): void {
    folder.write("old", "text");
    const text = moving.replaceAll("FOLDER", folder.path);
    folder.write("plan.yaml", text.replace("ONFAILURE", onFailure));
  }

  it("says what stays and how to take it back, which is done when it is over", async () => {
    write();
    const { code, errors } = await folder.run(["apply", "plan.yaml"]);
    assert.equal(code, 7);
    const [id = ""] = await folder.ids();
    const stays = "what was done stays: move (1.2.1)";
    const takeBack = `to take it back: propagit plans stop --undo ${id}`;
    assert.ok(errors.includes(`${stays}; ${takeBack}`), errors);
    assert.match(errors, /to try again what failed or never ran: propagit plans retry /);
    const status = await folder.run(["plans", "status", id]);
    assert.ok(status.out.includes(`${stays}\n   ${takeBack} --local\n`), status.out);
    const back = await folder.run(["plans", "stop", "--undo", id]);
    assert.match(back.out, /rolling back: .*taken back by /);
    assert.match(back.out, /plan undone, 1 failed, 4 done: /);
    assert.doesNotMatch(back.errors, /plans retry/);
    assert.match(back.errors, /was not taken back, as nothing does: execute \(1\.3\.1\)/);
    assert.match(back.errors, /to do it after all, plan it anew/);
    assert.deepEqual([folder.has("old"), folder.has("new")], [true, false]);
  });

  it("says beforehand what is put back by itself, and what nothing puts back", async () => {
    write("onFailure: rollback");
    const { out, code } = await folder.run(["plan", "plan.yaml"]);
    assert.equal(code, 0, out);
    assert.match(out, /\nwhen it fails, what was done until then is put back:\n\n3\. undo move /);
    assert.match(out, /\ncannot be taken back: execute \(1\.3\.1\), execute \(2\.1\.1\)\n/);
  });

  it("has failed, with what failed counted, also when so much may fail", async () => {
    write("maxFailures: 1");
    const { code, out } = await folder.run(["apply", "plan.yaml"]);
    assert.equal(code, 7);
    assert.match(out, /plan failed, 1 failed, 3 done: stage check failed, and the plan went on: /);
  });
});
