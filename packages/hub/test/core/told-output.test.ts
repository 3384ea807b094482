import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ToldOutput } from "../../src/core/told-output.js";

function newOf(output: ToldOutput, lines: readonly string[]): readonly string[] {
  output.restart();
  return lines.filter((line) => output.isNew(line));
}

test("lines that come again, all or the last of them, are not told again", () => {
  const output = new ToldOutput();
  assert.deepEqual(newOf(output, ["a", "b", "b"]), ["a", "b", "b"]);
  assert.deepEqual(newOf(output, ["a", "b", "b", "b", "c"]), ["b", "c"]);
  assert.deepEqual(newOf(output, ["b", "c", "d"]), ["d"]);
  assert.deepEqual(newOf(output, []), []);
});

test("property: however often it breaks off, each line is told once and in order", () => {
  const line = fc.constantFrom("a", "b", "c");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.array(fc.nat({ max: 30 })), (all, breaks) => {
      const output = new ToldOutput();
      const told: string[] = [];
      for (const end of [...breaks, all.length]) told.push(...newOf(output, all.slice(0, end)));
      assert.deepEqual(told, all);
    }),
  );
});
