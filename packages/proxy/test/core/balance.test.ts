import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pickTarget, type Draw } from "../../src/core/balance.js";
import { breakerAnswered, breakerFailed, probeByCopy } from "../../src/core/breaker.js";
import {
  attemptAnswered,
  attemptFailed,
  newEndpointState,
  type Target,
} from "../../src/core/endpoint-state.js";
import { seedOf, uniformOf } from "../../src/core/hash.js";
import type { Pool } from "../../src/core/variant.js";

interface Given {
  readonly zone?: string;
  readonly inFlight?: number;
  readonly sinceMs?: number;
}

function targetOf(port: number, { zone, inFlight = 0, sinceMs = -Infinity }: Given = {}): Target {
  const address = `10.0.0.1:${port}`;
  const state = newEndpointState(address, `t${port}`, sinceMs);
  state.inFlight = inFlight;
  return { address, commit: "", service: "http", ...(zone !== undefined && { zone }), state };
}

/** As a proxy in zone `here` sees it. */
function poolOf(...targets: readonly Target[]): Pool {
  const near = targets.filter(({ zone }) => zone === "here");
  const far = targets.filter(({ zone }) => zone !== "here");
  const isMixed = near.length > 0 && far.length > 0;
  return { targets, near: isMixed ? near : [], far: isMixed ? far : [] };
}

/** The same numbers in every run. */
function chances(): Draw["chance"] {
  let drawn = 0;
  return { fraction: () => uniformOf("chance", String((drawn += 1))) };
}

const drawAt = (now = 0, over: Partial<Draw> = {}): Draw => ({
  now,
  slowStartMs: 0,
  tried: [],
  chance: chances(),
  ...over,
});

function portsOf(pool: Pool, draw: Draw, times = 10_000): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let time = 0; time < times; time++) {
    const picked = pickTarget(pool, draw);
    const name = picked === undefined || picked === "busy" ? String(picked) : portOf(picked);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const portOf = ({ address }: Target) => address.split(":")[1] ?? "";

function fail(target: Target, now = 0): void {
  assert.equal(attemptFailed(target, "refused", now), true);
}

describe("of two drawn endpoints", () => {
  it("the less busy one is taken, so that the busiest of all never is", () => {
    const pool = poolOf(targetOf(1, { inFlight: 9 }), targetOf(2), targetOf(3));
    const counts = portsOf(pool, drawAt());
    assert.equal(counts["1"], undefined);
    assert.ok(Math.abs((counts["2"] ?? 0) - 5_000) < 300, JSON.stringify(counts));
  });

  it("any is taken when they are equally busy", () => {
    const counts = portsOf(poolOf(targetOf(1), targetOf(2), targetOf(3)), drawAt());
    for (const count of Object.values(counts)) assert.ok(Math.abs(count - 3_333) < 300);
  });

  it("keeps the loads of endpoints of one speed together", () => {
    const targets = Array.from({ length: 20 }, (_, index) => targetOf(index + 1));
    const draw = drawAt();
    for (let request = 0; request < 20_000; request++) {
      const picked = pickTarget(poolOf(...targets), draw);
      assert.ok(picked && picked !== "busy");
      picked.state.inFlight += 1;
    }
    const loads = targets.map(({ state }) => state.inFlight);
    assert.ok(Math.max(...loads) - Math.min(...loads) <= 12, loads.join());
  });
});

describe("endpoints that are out", () => {
  it("get nothing as long as one is fine, and are tried when none is", () => {
    const [one, two, three] = [targetOf(1), targetOf(2), targetOf(3)];
    const pool = poolOf(one, two, three);
    fail(one);
    fail(two);
    assert.deepEqual(portsOf(pool, drawAt(), 100), { 3: 100 });
    fail(three);
    assert.deepEqual(Object.keys(portsOf(pool, drawAt(), 100)), ["1", "2", "3"]);
  });

  it("are tried by one request at a time once their time is over", () => {
    const [one, two] = [targetOf(1), targetOf(2)];
    const pool = poolOf(one, two);
    fail(one);
    assert.equal(portsOf(pool, drawAt(999), 100)["1"], undefined);
    assert.equal(portsOf(pool, drawAt(1_000), 100)["1"], 1);
    attemptAnswered(one, 200, clockAt(1_100));
    assert.ok((portsOf(pool, drawAt(1_100), 100)["1"] ?? 0) > 20);
  });

  it("are not tried again by the request that failed there", () => {
    const pool = poolOf(targetOf(1), targetOf(2));
    assert.deepEqual(portsOf(pool, drawAt(0, { tried: ["10.0.0.1:1"] }), 50), { 2: 50 });
    const tried = ["10.0.0.1:1", "10.0.0.1:2"];
    assert.deepEqual(portsOf(pool, drawAt(0, { tried }), 50), { undefined: 50 });
  });
});

describe("an endpoint that did not answer in time", () => {
  const slow = () => {
    const [one, two] = [targetOf(1), targetOf(2)];
    attemptFailed(one, "head-timeout", 0);
    assert.equal(attemptFailed(one, "head-timeout", 0), true);
    return { one, two, pool: poolOf(one, two) };
  };

  it("is passed over when its time is over, and noted for a copy to try it", () => {
    const { one, two, pool } = slow();
    const early = drawAt(999);
    assert.deepEqual(portsOf(pool, early, 20), { 2: 20 });
    assert.equal(early.awaiting, undefined);
    const draw = drawAt(1_000);
    assert.deepEqual(portsOf(pool, draw, 20), { 2: 20 });
    assert.equal(draw.awaiting, one);
    probeByCopy(one.state.breaker, 1_000, 30_000);
    const meanwhile = drawAt(1_001);
    assert.deepEqual(portsOf(pool, meanwhile, 20), { 2: 20 });
    assert.equal(meanwhile.awaiting, undefined, "one copy at a time");
    attemptAnswered(one, 200, clockAt(1_200));
    attemptAnswered(two, 200, clockAt(1_200));
    assert.ok((portsOf(pool, drawAt(1_200), 100)["1"] ?? 0) > 20);
  });

  it("gets a request itself when none came of which a copy could be made", () => {
    const { pool } = slow();
    assert.equal(portsOf(pool, drawAt(10_999), 100)["1"], undefined);
    assert.equal(portsOf(pool, drawAt(11_000), 100)["1"], 1);
  });

  it("is tried by requests when nobody else is fine", () => {
    const { two, pool } = slow();
    fail(two, 500);
    const draw = drawAt(1_000);
    assert.deepEqual(Object.keys(portsOf(pool, draw, 100)), ["1", "2"]);
  });
});

describe("a circuit breaker", () => {
  const { breaker } = newEndpointState("a:1", "t", 0);
  it("opens at the fifth failure in a row of who takes connections", () => {
    const opened = [0, 0, 0, 0, 0].map((now) => breakerFailed(breaker, now, "broken"));
    assert.deepEqual(opened, [false, false, false, false, true]);
    breakerAnswered(breaker);
    for (let round = 0; round < 3; round++) {
      for (let time = 0; time < 4; time++) assert.equal(breakerFailed(breaker, 0, "broken"), false);
      breakerAnswered(breaker);
    }
  });

  it("opens at once for who is not there, and longer each time, up to ten seconds", () => {
    const state = newEndpointState("a:1", "t", 0);
    const lengths: number[] = [];
    let now = 0;
    for (let time = 0; time < 6; time++) {
      assert.equal(breakerFailed(state.breaker, now, "gone"), true);
      assert.equal(breakerFailed(state.breaker, now + 1, "gone"), false, "they failed together");
      lengths.push(state.breaker.untilMs - now);
      now = state.breaker.untilMs;
    }
    assert.deepEqual(lengths, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it("opens at the second answer that does not come in time, and longer each time, up to a minute", () => {
    const { breaker: slow } = newEndpointState("a:1", "t", 0);
    assert.equal(breakerFailed(slow, 0, "late"), false);
    const lengths: number[] = [];
    let now = 0;
    for (let time = 0; time < 8; time++) {
      assert.equal(breakerFailed(slow, now, "late"), true);
      lengths.push(slow.untilMs - now);
      now = slow.untilMs;
    }
    assert.deepEqual(lengths, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("opens again when the one that tries fails, and closes when it is answered", () => {
    const target = targetOf(1);
    fail(target, 0);
    assert.equal(attemptFailed(target, "head-timeout", 1_000), true);
    assert.equal(target.state.breaker.untilMs, 3_000);
    attemptAnswered(target, 500, clockAt(3_000));
    assert.equal(target.state.breaker.untilMs, 0);
  });

  it("counts what an app's gateway answers, and not the app's own mistakes", () => {
    const [gateway, app] = [targetOf(1), targetOf(2)];
    for (let time = 0; time < 5; time++) {
      attemptAnswered(gateway, 503, clockAt(0));
      attemptAnswered(app, 500, clockAt(0));
    }
    assert.equal(gateway.state.breaker.untilMs, 1_000);
    assert.equal(app.state.breaker.untilMs, 0);
  });
});

describe("slow start", () => {
  const shareAt = (now: number) => {
    const pool = poolOf(targetOf(1), targetOf(2), targetOf(3, { sinceMs: 0 }));
    return (portsOf(pool, drawAt(now, { slowStartMs: 10_000 }), 30_000)["3"] ?? 0) / 30_000;
  };

  it("lets a new endpoint's part of the requests rise with its age", () => {
    const shares = [0, 2_500, 5_000, 10_000].map(shareAt);
    const expected = [0.1 / 3, 0.25 / 3, 0.5 / 3, 1 / 3];
    for (const [at, share] of shares.entries()) {
      assert.ok(Math.abs(share - (expected[at] ?? 0)) < 0.02, shares.join());
    }
  });

  it("holds nothing back when all are new", () => {
    const pool = poolOf(targetOf(1, { sinceMs: 0 }), targetOf(2, { sinceMs: 0 }));
    const counts = portsOf(pool, drawAt(0, { slowStartMs: 10_000 }));
    assert.ok(Math.abs((counts["1"] ?? 0) - 5_000) < 300);
  });
});

describe("zones", () => {
  const here = (port: number, inFlight = 0) => targetOf(port, { zone: "here", inFlight });
  const there = (port: number, inFlight = 0) => targetOf(port, { zone: "there", inFlight });

  it("keep requests in the proxy's own", () => {
    assert.deepEqual(portsOf(poolOf(here(1), there(2), there(3)), drawAt(), 100), { 1: 100 });
  });

  it("let them go elsewhere when it is out, and when it is twice as busy", () => {
    const near = here(1);
    const pool = poolOf(near, there(2));
    fail(near);
    assert.deepEqual(portsOf(pool, drawAt(), 100), { 2: 100 });
    assert.deepEqual(portsOf(poolOf(here(1, 30), there(2, 20)), drawAt(), 100), { 1: 100 });
    assert.deepEqual(portsOf(poolOf(here(1, 41), there(2, 20)), drawAt(), 100), { 2: 100 });
    assert.deepEqual(portsOf(poolOf(here(1, 7), there(2, 0)), drawAt(), 100), { 1: 100 });
  });

  it("come back when nobody elsewhere is there", () => {
    const far = there(2);
    fail(far);
    assert.deepEqual(portsOf(poolOf(here(1, 50), far), drawAt(), 100), { 1: 100 });
  });
});

describe("a sticky visitor", () => {
  const targets = [1, 2, 3, 4, 5].map((port) => targetOf(port));
  const sticky = (visitor: number, token?: string) => ({
    visitor: seedOf(`visitor-${visitor}`, "webapp"),
    token,
  });
  const home = (pool: Pool, visitor: number, token?: string) => {
    const picked = pickTarget(pool, drawAt(0, { sticky: sticky(visitor, token) }));
    assert.ok(picked && picked !== "busy");
    return picked;
  };

  it("gets the same instance always; when one goes, only its visitors move", () => {
    const visitors = Array.from({ length: 5_000 }, (_, visitor) => visitor);
    const before = visitors.map((visitor) => home(poolOf(...targets), visitor));
    const after = visitors.map((visitor) => home(poolOf(...targets.slice(1)), visitor));
    assert.ok(visitors.every((at) => before[at] === targets[0] || before[at] === after[at]));
    const moved = before.filter((target) => target === targets[0]).length;
    assert.ok(Math.abs(moved - 1_000) < 150, `${moved}`);
  });

  it("stays with the instance of his cookie, also when there are new ones, as long as it is fine", () => {
    const [first, second] = [targetOf(1), targetOf(2)];
    for (let visitor = 0; visitor < 50; visitor++) {
      assert.equal(home(poolOf(first, second), visitor, "t1"), first);
    }
    fail(first);
    assert.equal(home(poolOf(first, second), 1, "t1"), second);
  });
});

function clockAt(ms: number) {
  return { monotonic: () => ms };
}
