import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedWork } from "../src/shared-work.js";

function slowWork() {
  const signals: AbortSignal[] = [];
  let finish = () => undefined as void;
  let fail: (error: Error) => void = () => undefined;
  const begin = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
      signal.addEventListener("abort", () => reject(new Error("given up")));
    });
  };
  return { begin, signals, finish: () => finish(), fail: (error: Error) => fail(error) };
}

const never = new AbortController().signal;

test("does work of one name once for all who want it", async () => {
  const [work, shared] = [slowWork(), new SharedWork()];
  const all = [1, 2, 3].map(() => shared.join("a", never, work.begin));
  const other = slowWork();
  const alone = shared.join("b", never, other.begin);
  assert.equal(work.signals.length, 1);
  assert.equal(other.signals.length, 1);
  work.finish();
  other.finish();
  await Promise.all([...all, alone]);
  const again = shared.join("a", never, work.begin);
  assert.equal(work.signals.length, 2, "what is over is begun anew");
  work.finish();
  await again;
});

test("lets one give up without the others, and ends when nobody is left", async () => {
  const [work, shared] = [slowWork(), new SharedWork()];
  const [first, second] = [new AbortController(), new AbortController()];
  const one = shared.join("a", first.signal, work.begin);
  const two = shared.join("a", second.signal, work.begin);
  first.abort(new Error("one gave up"));
  await assert.rejects(one, /one gave up/);
  assert.equal(work.signals[0]?.aborted, false);
  second.abort(new Error("two gave up"));
  await assert.rejects(two, /given up/, "the last one leaves when the work has ended");
  assert.equal(work.signals[0]?.aborted, true);
  const late = slowWork();
  const third = shared.join("a", never, late.begin);
  assert.equal(late.signals.length, 1, "who comes after that begins anew");
  late.finish();
  await third;
});

test("tells all who wait why it failed", async () => {
  const [work, shared] = [slowWork(), new SharedWork()];
  const all = [1, 2].map(() => shared.join("a", never, work.begin));
  work.fail(new Error("no room"));
  for (const one of all) await assert.rejects(one, /no room/);
});

test("begins nothing for who has given up already", async () => {
  const [work, shared] = [slowWork(), new SharedWork()];
  const stop = new AbortController();
  stop.abort(new Error("too late"));
  await assert.rejects(shared.join("a", stop.signal, work.begin), /too late/);
  assert.equal(work.signals.length, 0);
});
