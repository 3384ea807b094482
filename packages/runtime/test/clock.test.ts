import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeClock, SimClock, within, type Clock } from "../src/index.js";
import { watch } from "./support/meeting.js";

describe("virtual time", () => {
  it("does things in the order of their time, and of their asking at the same time", async () => {
    const clock = new SimClock();
    const done: string[] = [];
    for (const [name, at] of Object.entries({ late: 20, early: 10, second: 10, negative: -5 })) {
      clock.after(at, () => done.push(name));
    }
    await clock.advance(15);
    assert.deepEqual(done, ["negative", "early", "second"]);
    await clock.advance(5);
    assert.deepEqual(done, ["negative", "early", "second", "late"]);
  });

  it("stands at the moment of what happens, and lets promises settle in between", async () => {
    const clock = new SimClock(1_000);
    const moments: number[] = [];
    clock.after(10, () => {
      void Promise.resolve().then(() => clock.after(10, () => moments.push(clock.now())));
    });
    await clock.advance(100);
    assert.deepEqual([moments, clock.now()], [[1_020], 1_100]);
  });

  it("never does what was cancelled", async () => {
    const clock = new SimClock();
    clock.after(10, () => assert.fail("it was cancelled")).cancel();
    await clock.advance(100);
  });

  it("jumps for whoever reads the time of day, not for delays", async () => {
    const clock = new SimClock(1_000);
    let happened = false;
    clock.after(10, () => (happened = true));
    clock.jump(3_600_000);
    assert.deepEqual([clock.now(), clock.monotonic(), happened], [3_601_000, 1_000, false]);
    await clock.advance(10);
    assert.equal(happened, true);
  });

  it("fails when a condition does not come true in time", async () => {
    const clock = new SimClock();
    const waiting = clock.until("the moon", () => false, 5_000);
    await assert.rejects(waiting, /the moon did not come true within 5 virtual s/);
  });
});

describe("a limit on a wait", () => {
  it("says what was waited for", async () => {
    const clock = new SimClock();
    const waiting = watch(within(clock, 2_500, "the fetch", new Promise(() => undefined)));
    await clock.advance(2_499);
    assert.equal(waiting.outcome, undefined);
    await clock.advance(1);
    assert.deepEqual(
      [waiting.outcome, waiting.message],
      ["TIMED_OUT", "the fetch took longer than 2.5 s"],
    );
  });

  it("passes on what came in time, and leaves no timer behind", async () => {
    const cancelled: number[] = [];
    const clock: Clock = {
      ...nodeClock,
      after: (delayMs) => ({ cancel: () => void cancelled.push(delayMs) }),
    };
    assert.equal(await within(clock, 100, "it", Promise.resolve(7)), 7);
    await assert.rejects(within(clock, 200, "it", Promise.reject(new Error("no"))), /no/);
    assert.deepEqual(cancelled, [100, 200]);
  });
});

describe("real time", () => {
  it("passes, and a cancelled timer does nothing", async () => {
    const before = nodeClock.monotonic();
    nodeClock.after(1, () => assert.fail("it was cancelled")).cancel();
    await new Promise<void>((resolve) => nodeClock.after(20, resolve));
    assert.ok(nodeClock.monotonic() - before >= 18);
    assert.ok(Math.abs(nodeClock.now() - Date.now()) < 1_000);
  });

  it("takes a delay longer than a timer of Node can be, and does not fire at once", async () => {
    let fired = false;
    const timer = nodeClock.after(2 ** 40, () => (fired = true));
    await new Promise<void>((resolve) => nodeClock.after(20, resolve));
    timer.cancel();
    assert.equal(fired, false);
  });
});
