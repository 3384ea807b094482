import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Schema from "typebox/schema";
import { parse } from "yaml";
import { checkPlan, planSchema } from "../src/index.js";
import { planText, refusalOf } from "./support/reading.js";
import { testCommands } from "./support/test-commands.js";

const schema = planSchema(testCommands);
const compiled = Schema.Compile(schema);

/** Told by an editor and by the reader alike; what plans-property.test.ts allows, both allow. */
const refused = [
  "[]",
  "{ name: a }",
  "{ stages: [] }",
  "{ name: '', stages: [] }",
  "{ name: a, stages: {} }",
  "{ name: a, stages: [], stage: [] }",
  "{ name: a, stages: [], basis: { at: 1 } }",
  "{ name: a, stages: [], basis: { revisions: { a: b }, at: 1 } }",
  "{ name: a, stages: [], code: { repo: a } }",
  "{ name: a, stages: [], rollback: [] }",
  "{ name: a, stages: [{ name: b }] }",
  "{ name: a, stages: [{ tasks: [] }] }",
  planText(["tasks: [execute]"]),
  planText(["tasks: [{}]"]),
  planText(["tasks: [{ command: nothing }]"]),
  planText(["tasks: [{ command: execute }]"]),
  planText(["tasks: [{ command: execute, run: [] }]"]),
  planText(["tasks: [{ command: execute, run: a, path: /b }]"]),
  planText(["tasks: [{ command: execute, run: a, timeout: 10 }]"]),
  planText(["tasks: [{ command: execute, run: a, wait: soon }]"]),
  planText(["tasks: [{ command: execute, run: a, drone: b, host: c }]"]),
  planText(["tasks: [{ command: execute, run: a, host: -c }]"]),
  planText(["tasks: [{ command: execute, run: a, retries: 11 }]"]),
  planText(["tasks: [{ command: execute, run: a, retries: [1] }]"]),
  planText(["tasks: [{ command: execute, run: a, continueOnFail: maybe }]"]),
  planText(["tasks: [{ command: everything, count: 100 }]"]),
  planText(["tasks: [{ command: everything, source: { mode: a } }]"]),
  planText(["tasks: [[{ command: everything, env: { a: b } }]]"]),
  planText(["concurrency: 0"]),
  planText(["concurrency: many"]),
  planText(["concurrencyPerHost: [1]"]),
  planText(["concurrency_per_host: 1"]),
  planText(["maxFailures: -1"]),
  planText(["onFailure: explode"]),
  planText(["after: 60"]),
  planText(["after: { begin: 1m }"]),
  planText(["gate: true"]),
  planText(["gate: { approval: false }"]),
  planText(["gate: { approval: true, http: 'http://a' }"]),
  planText(["gate: { http: up }"]),
  planText(["gate: [{ http: 'http://a', status: 20 }]"]),
  planText(["gate: { command: { command: execute, run: a, once: true } }"]),
  planText(["gate: { command: { command: execute } }"]),
  planText(["gate: { errors: webapp }"]),
  planText(["gate: { errors: webapp, max: 101 }"]),
  planText(["gate: { window: { from: '09:00' } }"]),
  planText(["gate: { window: { from: '9', timeZone: UTC } }"]),
  planText(["gate: { window: { days: workdays, timeZone: UTC } }"]),
];

describe("the schema of plans", () => {
  for (const text of refused) {
    it(`refuses what the reader refuses: ${JSON.stringify(text)}`, () => {
      assert.ok(!compiled.Check(parse(text)));
      assert.notEqual(refusalOf(text), "nothing is refused");
    });
  }

  it("names all commands with their arguments, and what is their own, once", () => {
    const { definitions } = schema as {
      readonly definitions: Readonly<Record<string, { readonly anyOf?: readonly object[] }>>;
    };
    assert.deepEqual(Object.keys(definitions), ["stage", "task", "ask"]);
    assert.equal(definitions["task"]?.anyOf?.length, testCommands.size);
    const remove = JSON.stringify(definitions["task"].anyOf).match(/"const":"remove"/g);
    assert.equal(remove?.length, 1);
  });

  it("says to editors what every key of a plan, a stage, a task and a gate is for", () => {
    const silent: string[] = [];
    const look = (part: unknown, where: string): void => {
      if (typeof part !== "object" || part === null) return;
      const { properties } = part as { readonly properties?: Readonly<Record<string, object>> };
      for (const [key, one] of Object.entries(properties ?? {})) {
        const isOwn = where.includes(".anyOf") && !where.includes("gate");
        if (!("description" in one) && !isOwn && key !== "command") silent.push(`${where}.${key}`);
      }
      for (const [key, one] of Object.entries(part)) look(one, `${where}.${key}`);
    };
    look(schema, "");
    assert.deepEqual(silent, []);
  });

  it("refuses everything when there are no commands, but what does nothing", () => {
    const none = Schema.Compile(planSchema(new Map()));
    assert.ok(none.Check(parse(planText([]))));
    assert.ok(!none.Check(parse(planText(["tasks: [{ command: execute, run: a }]"]))));
    assert.ok(checkPlan({ file: "a", text: planText([]) }, new Map()).ok);
  });
});
