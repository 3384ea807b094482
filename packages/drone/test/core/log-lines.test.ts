import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BackwardSplitter,
  lineBytesMax,
  LineSplitter,
  textOf,
  type RawLine,
} from "../../src/core/log-lines.js";

/** Bytes with many new lines, few of anything else. */
const bytes = fc
  .array(fc.constantFrom(0x0a, 0x61, 0x62, 0xff, 0x00), { maxLength: 200 })
  .map((values) => Buffer.from(values));
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });

test("finds the same lines from the beginning and from the end, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(bytes, sizes, (file, cuts) => {
      const expected = linesOf(file);
      assert.deepEqual(forwards(file, cuts).map(shown), expected);
      assert.deepEqual(backwards(file, cuts).map(shown).reverse(), expected);
    }),
  );
});

test("goes on from any line as from the beginning", () => {
  fc.assert(
    fc.property(bytes, sizes, fc.nat(), (file, cuts, index) => {
      const all = forwards(file, cuts).map(shown);
      const start = all[index % Math.max(all.length, 1)]?.[0] ?? 0;
      const rest = forwards(file.subarray(start), cuts).map(shown);
      assert.deepEqual(
        rest.map(([offset, text]) => [offset + start, text]),
        all.filter(([offset]) => offset >= start),
      );
    }),
  );
});

test("keeps no more of a line than is shown of it, from either end", () => {
  const file = Buffer.from(`short\n${"x".repeat(100_000)}é\nlast`);
  const cuts = [1_000];
  for (const lines of [forwards(file, cuts), backwards(file, cuts).reverse()]) {
    assert.deepEqual(
      lines.map(({ bytes: it }) => it.length),
      [5, lineBytesMax + 1, 4],
    );
    assert.deepEqual(lines.map(textOf), [
      "short",
      `${"x".repeat(lineBytesMax)} … (line cut)`,
      "last",
    ]);
  }
});

test("cuts no character in two, and fits what the protocol carries", () => {
  const [line = assert.fail("no line")] = forwards(Buffer.from("a" + "é".repeat(9_000)), [4_096]);
  const text = textOf(line);
  assert.ok(text.endsWith("é … (line cut)"));
  assert.ok(text.length <= 8_192);
});

function shown({ offset, bytes: it }: RawLine): readonly [number, string] {
  return [offset, it.toString("latin1")];
}

/** As plainly as it can be said. */
function linesOf(file: Buffer): readonly (readonly [number, string])[] {
  const parts = file.toString("latin1").split("\n");
  if (parts.at(-1) === "") parts.pop();
  let offset = 0;
  return parts.map((part) => {
    const line = [offset, part] as const;
    offset += part.length + 1;
    return line;
  });
}

function forwards(file: Buffer, sizes: readonly number[]): RawLine[] {
  const splitter = new LineSplitter(0);
  const lines: RawLine[] = [];
  for (let at = 0, turn = 0; at < file.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    lines.push(...splitter.take(file.subarray(at, at + size)));
    at += size;
  }
  const rest = splitter.end();
  return rest ? [...lines, rest] : lines;
}

function backwards(file: Buffer, sizes: readonly number[]): RawLine[] {
  const splitter = new BackwardSplitter();
  const lines: RawLine[] = [];
  for (let end = file.length, turn = 0; end > 0; turn++) {
    const start = Math.max(0, end - (sizes[turn % sizes.length] ?? 1));
    lines.push(...splitter.take(file.subarray(start, end), start));
    end = start;
  }
  const first = splitter.end();
  return first ? [...lines, first] : lines;
}
