import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../src/system/slots.js";

const limits = { name: "pushes", runningMax: 1, waitingMax: 2, waitMsMax: 60_000 };
const never = new AbortController().signal;

test("the next in the queue goes when a slot is given back, in order", async () => {
  const slots = new Slots(limits);
  const order: number[] = [];
  const giveBack = await slots.take(never);
  const waiting = [1, 2].map(async (number) => {
    const done = await slots.take(never);
    order.push(number);
    done();
    done();
  });
  giveBack();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2]);
  (await slots.take(never))();
});

test("too many in the queue, too long in it, or gone meanwhile: the slot is not waited for", async () => {
  const slots = new Slots({ ...limits, waitMsMax: 20 });
  const giveBack = await slots.take(never);
  const gone = new AbortController();
  const leaving = slots.take(gone.signal);
  const late = slots.take(never);
  await assert.rejects(slots.take(never), { code: "OVERLOADED" });
  gone.abort();
  await assert.rejects(leaving, { code: "OVERLOADED" });
  await assert.rejects(late, { code: "OVERLOADED" });
  giveBack();
  (await slots.take(never))();
});
