import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "@propagit/runtime";
import { heldMax, Holds } from "../src/holds.js";

const nobodyLeaves = new AbortController().signal;

test("lets a held request go when its route changes, and only then", async () => {
  const { clock } = simulate(1);
  const holds = new Holds(clock);
  const shop = holds.hold("shop/production", 60_000, nobodyLeaves);
  const site = holds.hold("site/production", 60_000, nobodyLeaves);
  holds.wake(["site/production", "other/production"]);
  assert.equal(await site, "changed");
  assert.equal(holds.count, 1);
  holds.wake();
  assert.equal(await shop, "changed");
  assert.equal(holds.count, 0);
});

test("gives up at the limit", async () => {
  const { clock } = simulate(1);
  const holds = new Holds(clock);
  let ended: string | undefined;
  void holds.hold("shop/production", 5_000, nobodyLeaves).then((how) => (ended = how));
  await clock.advance(4_999);
  assert.equal(ended, undefined);
  await clock.advance(1);
  assert.equal(ended, "limit");
  assert.equal(holds.count, 0);
});

test("forgets a visitor who leaves, also one who had left before", async () => {
  const { clock } = simulate(1);
  const holds = new Holds(clock);
  const visitor = new AbortController();
  const held = holds.hold("shop/production", 5_000, visitor.signal);
  visitor.abort();
  assert.equal(await held, "left");
  assert.equal(await holds.hold("shop/production", 5_000, visitor.signal), "left");
  assert.equal(holds.count, 0);
});

test("holds half of what it can for one route, and has room for the waiting of another", async () => {
  const { clock } = simulate(1);
  const holds = new Holds(clock);
  const fill = async (route: string) => {
    const before = holds.count;
    for (let count = 1; count <= heldMax; count++) void holds.hold(route, 60_000, nobodyLeaves);
    assert.equal(await holds.hold(route, 60_000, nobodyLeaves), "full");
    return holds.count - before;
  };
  assert.equal(await fill("shop/production"), heldMax / 2);
  assert.equal(await fill("site/production"), heldMax / 4);
  assert.equal(await fill("blog/production"), heldMax / 8);
  holds.wake(["site/production"]);
  assert.equal(holds.count, heldMax / 2 + heldMax / 8);
  holds.wake();
  assert.equal(holds.count, 0);
});

test("holds no more than it can in total", async () => {
  const { clock } = simulate(1);
  const holds = new Holds(clock);
  for (let count = 0; count < 3 * heldMax; count++) {
    void holds.hold(`repo-${Math.floor(count / heldMax)}-${count % 1_000}`, 60_000, nobodyLeaves);
  }
  assert.ok(holds.count <= heldMax, String(holds.count));
  holds.wake();
  assert.equal(holds.count, 0);
});
