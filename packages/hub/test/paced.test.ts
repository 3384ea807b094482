import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "@propagit/runtime";
import { Paced } from "../src/paced.js";

test("what is asked for again and again is done at once, then with a rest, and a last time at the end", async () => {
  const clock = new SimClock(0);
  const done: number[] = [];
  const paced = new Paced(
    clock,
    () => 100,
    () => void done.push(clock.now()),
  );
  for (let at = 0; at < 25; at++) {
    paced.ask();
    await clock.advance(10);
  }
  await clock.advance(1_000);
  assert.deepEqual(done, [0, 100, 200, 300]);
  paced.ask();
  await clock.advance(1);
  assert.equal(done.at(-1), 1_250, "idle again, it is done at once");
  paced.ask();
  paced.stop();
  const count = done.length;
  await clock.advance(1_000);
  assert.equal(done.length, count);
});
