import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import fc from "fast-check";
import Schema from "typebox/schema";
import { stringify } from "yaml";
import { argsOf, planHash, planSchema, readPlan, writePlan } from "../../src/index.js";
import { planOf } from "../support/reading.js";
import { testCommands } from "../support/test-commands.js";
import { writtenPlans } from "../support/written-plans.js";

const schema = Schema.Compile(planSchema(testCommands));

describe("any plan", () => {
  it("is read from JSON, YAML and values as the same, and is allowed by its schema", () => {
    fc.assert(
      fc.property(writtenPlans, (written) => {
        assert.ok(schema.Check(written), JSON.stringify(schema.Errors(written)));
        const text = JSON.stringify(written);
        const plan = planOf(text, "plan.json");
        assert.deepEqual(planOf(stringify(written, { aliasDuplicateObjects: false })), plan);
        assert.deepEqual(planOf(stringify(written)), plan, "with aliases");
        assert.deepEqual(readPlan({ maker: "test", value: written }, testCommands), plan);
      }),
      { numRuns: 300 },
    );
  });

  it("is written so that reading it again gives the same plan, which the schema allows, too", () => {
    fc.assert(
      fc.property(writtenPlans, (written) => {
        const plan = planOf(JSON.stringify(written), "plan.json");
        const again = writePlan(plan, testCommands);
        const text = JSON.stringify(again);
        assert.deepEqual(planOf(text, "plan.json"), plan);
        assert.equal(planHash(planOf(stringify(again))), planHash(plan));
        assert.ok(schema.Check(JSON.parse(text)), JSON.stringify(schema.Errors(again)));
        assert.deepEqual(writePlan(planOf(text, "plan.json"), testCommands), again);
        const unknown = JSON.stringify(writePlan(plan, new Map()));
        assert.deepEqual(planOf(unknown, "plan.json"), plan, "without knowing its commands");
      }),
      { numRuns: 300 },
    );
  });

  it("is JSON itself, and its arguments are read again as what they were", () => {
    fc.assert(
      fc.property(writtenPlans, (written) => {
        const plan = planOf(JSON.stringify(written), "plan.json");
        assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
        for (const task of plan.stages.flatMap((stage) => stage.lines.flat())) {
          const command = testCommands.get(task.command);
          assert.ok(command);
          assert.deepEqual(
            argsOf(command, JSON.parse(JSON.stringify(task.args)) as typeof task.args),
            argsOf(command, task.args),
          );
        }
      }),
    );
  });

  it("with a key, a command or a value changed is refused by reader and schema alike", () => {
    const change = fc.record({ at: fc.nat(), kind: fc.constantFrom("key", "command", "value") });
    fc.assert(
      fc.property(writtenPlans, change, (written, { at, kind }) => {
        const places = placesOf(written, kind);
        fc.pre(places.length > 0);
        places[at % places.length]?.();
        assert.ok(!schema.Check(written), JSON.stringify(written));
        refuses(JSON.stringify(written), "plan.json");
      }),
    );
  });

  it("with letters lost, doubled or swapped is read or refused, and nothing else happens", () => {
    const mutation = fc.record({
      at: fc.nat(),
      cut: fc.nat(12),
      put: fc.constantFrom("", "\n", ": ", "&a", "*a", "{", "[", "- ", "null", "\t", '"', "%", "9"),
    });
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(writtenPlans, mutations, (written, changes) => {
        for (const [file, text] of [
          ["plan.yaml", stringify(written)],
          ["plan.json", JSON.stringify(written)],
        ] as const) {
          const changed = changes.reduce((made, { at, cut, put }) => {
            const place = at % (made.length + 1);
            return made.slice(0, place) + put + made.slice(place + cut);
          }, text);
          readsOrRefuses(changed, file);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function readsOrRefuses(text: string, file: string): void {
  try {
    readPlan({ file, text }, testCommands);
  } catch (thrown) {
    isRefusal(thrown, file);
  }
}

function refuses(text: string, file: string): void {
  assert.throws(
    () => readPlan({ file, text }, testCommands),
    (thrown) => isRefusal(thrown, file),
  );
}

function isRefusal(thrown: unknown, file: string): boolean {
  assert.ok(thrown instanceof PropagitError, String((thrown as Error).stack));
  assert.equal(thrown.code, "BAD_PLAN");
  assert.match(thrown.message, new RegExp(`^${file}:\\d+:\\d+: `));
  return true;
}

/** Ways to spoil it: a key that is not known, a command that is none, a list where a map should be. */
function placesOf(written: unknown, kind: string, path = ""): (() => void)[] {
  if (typeof written !== "object" || written === null) return [];
  const map = written as Record<string, unknown>;
  const below = Object.entries(map).flatMap(([key, value]) =>
    placesOf(value, kind, `${path}.${key}`),
  );
  if (Array.isArray(written) || /\.(?:env|revisions)$/.test(path)) return below;
  if (kind === "key") return [...below, () => (map["unknown"] = 1)];
  if (kind === "command" && typeof map["command"] === "string") {
    return [...below, () => (map["command"] = "cosntructor")];
  }
  const spoilt = ["name", "tasks", "stages", "timeout", "concurrency"].filter((key) => key in map);
  return kind === "value" ? [...below, ...spoilt.map((key) => () => (map[key] = [{}]))] : below;
}
