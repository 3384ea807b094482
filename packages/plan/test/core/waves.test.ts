import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { wavesOf, type WaveRules, type Waver } from "../../src/core/waves.js";

const drone = (name: string, labels: Waver["labels"] = {}): Waver => ({ name, labels });
const ten = Array.from({ length: 10 }, (_, index) => drone(`web-${index + 1}`));

function shown(drones: readonly Waver[], rules: WaveRules) {
  const result = wavesOf(drones, rules);
  if (result.kind === "refused") return result.why;
  return result.waves.map((wave) => [wave.name, wave.drones.map(({ name }) => name).join(" ")]);
}

describe("waves", () => {
  it("are one when nothing else is asked for, in the order that people count in", () => {
    const by = { kind: "once" } as const;
    assert.deepEqual(shown([drone("web-10"), drone("web-2"), drone("app")], { by }), [
      ["all", "app web-2 web-10"],
    ]);
    assert.deepEqual(shown([], { by }), []);
  });

  it("go by a label, listed values first, those without it last", () => {
    const drones = [
      drone("d", { zone: "c" }),
      drone("a", { zone: "b" }),
      drone("x"),
      drone("b", { zone: "a" }),
      drone("c", { zone: "a" }),
    ];
    const by = { kind: "label", key: "zone" } as const;
    assert.deepEqual(shown(drones, { by }), [
      ["zone a", "b c"],
      ["zone b", "a"],
      ["zone c", "d"],
      ["no zone", "x"],
    ]);
  });

  it("go by parts of all drones, rounded up", () => {
    const by = { kind: "percent", steps: [5, 25, 100] } as const;
    assert.deepEqual(shown(ten, { by }), [
      ["5%", "web-1"],
      ["25%", "web-2 web-3"],
      ["100%", "web-4 web-5 web-6 web-7 web-8 web-9 web-10"],
    ]);
    assert.deepEqual(shown(ten.slice(0, 1), { by }), [["5%", "web-1"]]);
  });

  it("go by how many must stay up, and are refused when that is impossible", () => {
    const by = { kind: "min-up", minUp: 7, force: false } as const;
    assert.deepEqual(
      (shown(ten, { by }) as string[][]).map(([name]) => name),
      ["1 of 4", "2 of 4", "3 of 4", "4 of 4"],
    );
    assert.equal(
      shown(ten.slice(0, 3), { by }),
      "at least 7 of 3 must stay up, so none may be replaced",
    );
  });

  it("begin with the canary alone, and are refused without it", () => {
    const by = { kind: "percent", steps: [50, 100] } as const;
    assert.deepEqual(shown(ten.slice(0, 4), { canary: "web-3", by }), [
      ["canary web-3", "web-3"],
      ["50%", "web-1 web-2"],
      ["100%", "web-4"],
    ]);
    assert.equal(shown(ten, { canary: "db", by }), "the canary db is not among the drones");
  });

  it("have every drone once, whatever the rules", () => {
    const drones = fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,4}-\d{1,3}$/),
        labels: fc.dictionary(fc.constant("zone"), fc.constantFrom("a", "b", "c")),
      }),
      { selector: ({ name }) => name, maxLength: 60 },
    );
    const by = fc.oneof(
      fc.constant({ kind: "once" } as const),
      fc.constant({ kind: "label", key: "zone" } as const),
      fc
        .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 5 })
        .map(
          (steps) => ({ kind: "percent", steps: [...steps.sort((a, b) => a - b), 100] }) as const,
        ),
      fc.nat({ max: 70 }).map((minUp) => ({ kind: "min-up", minUp, force: true }) as const),
    );
    fc.assert(
      fc.property(drones, by, (all, rule) => {
        const result = wavesOf(all, { by: rule });
        assert.ok(result.kind === "waves");
        const names = result.waves.flatMap((wave) => wave.drones.map(({ name }) => name));
        assert.deepEqual(names.toSorted(), all.map(({ name }) => name).toSorted());
        assert.ok(result.waves.every((wave) => wave.drones.length > 0));
      }),
    );
  });
});
