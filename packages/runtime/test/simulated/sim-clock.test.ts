import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimClock, type Clock } from "../../src/index.js";

const sleep = (clock: Clock, ms: number) =>
  new Promise<void>((resolve) => {
    clock.after(ms, resolve);
  });

const settles = {
  "a turn of the event loop": undefined,
  "process.nextTick": () =>
    new Promise<void>((resolve) => {
      process.nextTick(resolve);
    }),
};

for (const [name, settle] of Object.entries(settles))
  describe(`the virtual clock that lets promises settle by ${name}`, () => {
    it("runs what is due in order of its time, and of its asking at the same time", async () => {
      const clock = new SimClock(0, settle && { settle });
      const seen: string[] = [];
      clock.after(20, () => seen.push("c"));
      clock.after(10, () => seen.push("a"));
      clock.after(10, () => seen.push("b"));
      clock.after(15, () => seen.push("never")).cancel();
      await clock.advance(20);
      assert.deepEqual(seen, ["a", "b", "c"]);
      assert.equal(clock.monotonic(), 20);
    });

    it("lets a long chain of promises end before the next moment", async () => {
      const clock = new SimClock(0, settle && { settle });
      const seen: string[] = [];
      const chain = async () => {
        await sleep(clock, 10);
        for (let link = 0; link < 100; link++) await Promise.resolve();
        seen.push(`chain at ${clock.monotonic()}`);
        await sleep(clock, 1);
        seen.push(`chain at ${clock.monotonic()}`);
      };
      const done = chain();
      clock.after(10.5, () => seen.push("between"));
      await clock.until("all of it", () => seen.length === 3);
      assert.deepEqual(seen, ["chain at 10", "between", "chain at 11"]);
      await done;
    });

    it("says what did not come true in time", async () => {
      const clock = new SimClock(0, settle && { settle });
      await assert.rejects(
        clock.until("rain", () => false, 2_000),
        /rain did not come true/,
      );
    });
  });
