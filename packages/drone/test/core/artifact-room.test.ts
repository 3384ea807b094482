import assert from "node:assert/strict";
import { test } from "node:test";
import { roomFor } from "../../src/core/artifact-room.js";

const GiB = 2 ** 30;

test("wants room for objects and files, and leaves a part of the disk free", () => {
  const disk = { totalBytes: 10 * GiB, freeBytes: 3 * GiB };
  assert.deepEqual(roomFor(GiB, disk), { fits: true, freeBytes: 3 * GiB, neededBytes: 2.5 * GiB });
  assert.equal(roomFor(1.3 * GiB, disk).fits, false);
  assert.equal(roomFor(GiB, { ...disk, totalBytes: 1000 * GiB }).neededBytes, 3 * GiB);
});

test("needs nothing for what is here, on a full disk too", () => {
  const room = roomFor(0, { totalBytes: GiB, freeBytes: 0 });
  assert.deepEqual(room, { fits: true, freeBytes: 0, neededBytes: 0 });
});
