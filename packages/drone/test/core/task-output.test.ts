import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TaskOutput } from "../../src/core/task-output.js";

const textsOf = (lines: readonly { text: string }[]) => lines.map(({ text }) => text);

test("tells whole lines, the last one also without its end", () => {
  const output = new TaskOutput();
  assert.deepEqual(textsOf(output.feed("one\ntw", 0, 0)), ["one"]);
  assert.deepEqual(textsOf(output.feed("o\r\n\u001B[31mred\u001B[0m\n", 0, 1)), ["two", "red"]);
  assert.deepEqual(output.feed("10 %\r20 %\r30 %\n", 0, 2), [{ at: 2, text: "30 %" }]);
  assert.deepEqual(textsOf(output.feed("the rest", 0, 3)), []);
  assert.deepEqual(textsOf(output.end(4)), ["the rest"]);
  assert.deepEqual(textsOf(output.kept()), ["one", "two", "red", "30 %", "the rest"]);
  assert.deepEqual(output.lastLines(), ["one", "two", "red", "30 %", "the rest"]);
});

test("cuts a line that never ends", () => {
  const output = new TaskOutput();
  const told = output.feed("x".repeat(20_000), 0, 0);
  assert.deepEqual(
    told.map(({ text }) => text.length),
    [8_192, 8_192],
  );
});

test("says what was left out of a flood, and ends with its last lines", () => {
  const output = new TaskOutput();
  const flood = Array.from({ length: 100_000 }, (_, number) => `line ${number}`).join("\n");
  const told = [...output.feed(`${flood}\n`, 0, 0)];
  const before = told.length;
  told.push(...output.feed("later\n", 3 * 2 ** 20, 60_000), ...output.end(60_000));

  assert.ok(before > 10_000 && before < 50_000, `${before} lines were told at once`);
  assert.equal(
    told[before]?.text,
    `… ${(100_000 - before).toLocaleString("en-US")} lines left out …`,
  );
  assert.deepEqual(textsOf(told.slice(-2)), ["… 3 MB left out …", "later"]);
  const kept = textsOf(output.kept());
  assert.equal(kept[0], "line 0");
  assert.equal(kept.at(-1), "later");
  assert.equal(kept.filter((text) => /lines left out/.test(text)).length, 1);
});

test("tells the last lines of a flood that did not stop before its end", () => {
  const output = new TaskOutput();
  const flood = Array.from({ length: 100_000 }, (_, number) => `line ${number}`).join("\n");
  output.feed(`${flood}\n`, 0, 0);
  const end = textsOf(output.end(0));
  assert.equal(end.length, 21);
  assert.match(end[0] ?? "", /^… [\d,]+ lines left out …$/);
  assert.equal(end.at(-1), "line 99999");
});

test("keeps a bounded part of anything, and never more than it was told", () => {
  const chunk = fc.record({
    text: fc.string({ maxLength: 200 }).map((text) => text.repeat(100)),
    passedMs: fc.nat(5_000),
  });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 50 }), (chunks) => {
      const output = new TaskOutput();
      let at = 0;
      let told = 0;
      for (const { text, passedMs } of chunks) {
        at += passedMs;
        for (const line of output.feed(text, 0, at)) told += line.text.length + 1;
      }
      const kept = output.kept().reduce((sum, { text }) => sum + text.length + 1, 0);
      assert.ok(kept <= 64 * 1024 + 128 * 1024 + 100);
      assert.ok(told <= 256 * 1024 + (at / 1_000) * 64 * 1024 + chunks.length * 100);
      assert.ok(output.lastLines().length <= 50);
    }),
  );
});
