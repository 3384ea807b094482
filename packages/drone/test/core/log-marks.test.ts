import assert from "node:assert/strict";
import { test } from "node:test";
import {
  encodeMark,
  offsetOf,
  parseMarks,
  runStart,
  shiftMarks,
  timeAt,
  type Mark,
} from "../../src/core/log-marks.js";

const marks: readonly Mark[] = [
  { at: 1_000, offset: 0, isRun: true },
  { at: 2_000, offset: 100, isRun: false },
  { at: 3_000, offset: 150, isRun: false },
  { at: 4_000, offset: 150, isRun: true },
  { at: 5_000, offset: 300, isRun: false },
];

test("reads what it wrote, and leaves out what is half written or behind a cut", () => {
  const text = marks.map(encodeMark).join("");
  assert.deepEqual(parseMarks(text), marks);
  assert.deepEqual(parseMarks(`${text}60`), marks);
  assert.deepEqual(parseMarks(`what\n${text}6000 50\n-1 x run\n`), marks);
  assert.deepEqual(parseMarks(""), []);
});

test("gives a line the time of the first mark behind its beginning, else another", () => {
  const times = [0, 99, 100, 149, 150, 299, 300].map((offset) => timeAt(marks, offset, 9_000));
  assert.deepEqual(times, [2_000, 2_000, 3_000, 3_000, 5_000, 5_000, 9_000]);
});

test("finds where lines since a time begin", () => {
  const offsets = [0, 2_000, 2_001, 3_500, 6_000].map((since) => offsetOf(marks, since));
  assert.deepEqual(offsets, [0, 0, 100, 150, 300]);
});

test("knows where the last run begins, also when the file began anew since", () => {
  assert.equal(runStart(marks), 150);
  assert.equal(runStart([]), 0);
});

test("moves with the file's beginning", () => {
  assert.deepEqual(
    shiftMarks(marks, 150).map(({ at, offset }) => [at, offset]),
    [
      [3_000, 0],
      [4_000, 0],
      [5_000, 150],
    ],
  );
});
