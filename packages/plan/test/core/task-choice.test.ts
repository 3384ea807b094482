/** Tasks that are left out of a plan, by their tags and the names of their commands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  checkPlan,
  placedProblem,
  planHash,
  readPlan,
  toolBox,
  writePlan,
  type TaskChoice,
} from "../../src/index.js";

const chain = (drone: string) => `
      - - { command: drain, drone: ${drone}, after: 5m }
        - { command: restart-service, drone: ${drone}, service: web, tags: web }
        - { command: undrain, drone: ${drone} }`;
const text = `
name: p
stages:
  - name: tell
    gate: { approval: true }
    tasks: [{ command: message, message: begun, tags: [loud, talk] }]
  - name: roll
    concurrency: 50%
    tasks:${chain("web-1")}${chain("web-2")}
      - { command: message, message: beside, tags: talk }
  - name: wait
    gate: { approval: true }
    tasks: []
rollback:
  stages:
    - name: back
      tasks: [{ command: undrain, drone: web-1 }]
`;
const source = { file: "p.yaml", text };

/** Stages with their lines as commands. */
function left(choice: TaskChoice) {
  const { stages, rollback = [] } = readPlan(source, toolBox, { choice });
  return [...stages, ...rollback].map(({ name, lines }) =>
    `${name}: ${lines.map((line) => line.map((task) => task.command).join("+")).join(" ")}`.trim(),
  );
}

function problemsOf(choice: TaskChoice, written = source): readonly string[] {
  const checked = checkPlan(written, toolBox, { choice });
  return checked.ok ? [] : checked.problems.map(({ line, message }) => `${line}: ${message}`);
}

describe("a choice of tasks", () => {
  test("leaves out those of a command, also where they are done in turn and in the rollback", () => {
    assert.deepEqual(left({ without: ["drain", "undrain"] }), [
      "tell: message",
      "roll: restart-service restart-service message",
      "wait:",
    ]);
  });

  test("takes only those with a tag, and without it those with another", () => {
    assert.deepEqual(left({ only: ["talk", "web"], without: ["loud"] }), [
      "roll: restart-service restart-service message",
      "wait:",
    ]);
  });

  test("lets a line wait as it did, whichever of its tasks is the first then, and limits count what is left", () => {
    const plan = readPlan(source, toolBox, { choice: { without: ["drain", "talk"] } });
    const [roll] = plan.stages;
    assert.equal(roll?.name, "roll", "a stage that has none left does not wait either");
    assert.equal(roll?.lines[0]?.[0]?.afterMs, 300_000);
    assert.equal(roll?.concurrency, 1, "half of two lines");
    assert.equal(readPlan(source, toolBox).stages[1]?.concurrency, 2, "half of three");
  });

  test("is refused for a word that no task has, and when nothing is left", () => {
    const [why, ...more] = problemsOf({ without: ["drian"] });
    assert.match(why ?? "", /no task has the tag "drian", or a command of that name.*drain/);
    assert.deepEqual(more, []);
    const only = { file: "p.yaml", text: text.slice(0, text.indexOf("  - name: roll")) };
    assert.match(problemsOf({ without: ["loud"] }, only)[0] ?? "", /has no task that is meant/);
  });

  test("is made of a plan that is checked as a whole", () => {
    const wrong = { ...source, text: text.replace("service: web,", "servce: web,") };
    assert.match(problemsOf({ only: ["talk"] }, wrong).join(), /"servce" is not known/);
  });

  test("gives a plan of its own, that is written down as it is and knows the places of its tasks", () => {
    const choice = { without: ["drain"] };
    const plan = readPlan(source, toolBox, { choice });
    const again = readPlan(
      { file: "p.json", text: JSON.stringify(writePlan(plan, toolBox)) },
      toolBox,
    );
    assert.equal(planHash(again), planHash(plan));
    assert.notEqual(planHash(plan), planHash(readPlan(source, toolBox)));
    const place = (id: string) => placedProblem(source, `task ${id} (x): no`, { choice });
    assert.match(place("2.1.1"), /^p\.yaml:11:/);
    assert.match(place("2.2.2"), /^p\.yaml:15:/);
  });

  test("is by words that are none but tags: the same line with other tags is the same line", () => {
    const twin = text.replace(
      "tasks: []",
      "tasks: [{ command: message, message: a, tags: b }, { command: message, message: a }]",
    );
    assert.match(problemsOf({}, { ...source, text: twin })[0] ?? "", /is the same as/);
    const odd = text.replace("tags: web }", 'tags: ["-x", "a b"] }');
    assert.equal(problemsOf({}, { ...source, text: odd }).length, 2);
  });
});
