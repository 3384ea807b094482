/** What is bounded over time: rates and retries; and who is counted: networks. */
import assert from "node:assert/strict";
import { BlockList, isIPv6 } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seedOf } from "../../src/core/hash.js";
import { NetworkList, visitorNetwork } from "../../src/core/networks.js";
import { RateLimiter } from "../../src/core/rate-limit.js";
import { RetryBudget } from "../../src/core/retry-budget.js";

const seed = seedOf("secret");

describe("a rate", () => {
  it("lets no key have more than its burst and its rate, over any times", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
    const limits = fc.record({
      perSecond: fc.integer({ min: 1, max: 50 }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(limits, gaps, (limit, gaps) => {
        const limiter = new RateLimiter(limit, seed);
        const passed: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (limiter.take("key", now) === 0) passed.push(now);
        }
        for (const [from, start] of passed.entries()) {
          for (const [count, end] of passed.slice(from).entries()) {
            const allowed = limit.burst + ((end - start) * limit.perSecond) / 1_000;
            assert.ok(count + 1 <= allowed + 1e-6);
          }
        }
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it("says exactly when there is a token again", () => {
    const limiter = new RateLimiter({ perSecond: 4, burst: 2 }, seed);
    assert.deepEqual([limiter.take("a", 0), limiter.take("a", 0)], [0, 0]);
    assert.equal(limiter.take("a", 100), 150);
    assert.ok(limiter.take("a", 249) > 0);
    assert.equal(limiter.take("a", 250), 0);
  });

  it("keeps no more keys than it may, and forgets those that are full again first", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, seed, 100);
    for (let key = 0; key < 100; key++) limiter.take(`${key}`, 0);
    for (let key = 100; key < 10_000; key++) limiter.take(`${key}`, 2_000 + key);
    assert.ok(limiter.size <= 100, `${limiter.size}`);
  });

  it("forgets nobody who is counted for the sake of strangers, however many come", () => {
    const limiter = new RateLimiter({ perSecond: 0.001, burst: 1 }, seed, 100);
    assert.equal(limiter.take("attacker", 0), 0);
    for (let key = 0; key < 50_000; key++) limiter.take(`made up ${key}`, 1);
    assert.ok(limiter.take("attacker", 2) > 0);
    assert.equal(limiter.size, 100);
  });
});

describe("a budget of retries", () => {
  it("is a part of the requests of the last ten seconds, and some for quiet routes", () => {
    const budget = new RetryBudget(10);
    const take = (now: number) => {
      let taken = 0;
      while (taken < 100_000 && budget.take(now)) taken += 1;
      return taken;
    };
    assert.equal(take(0), 100);
    for (let request = 0; request < 5_000; request++) budget.count(1_000);
    assert.equal(take(1_000), 400);
    assert.equal(take(9_000), 0);
    // What was taken at 0 is forgotten.
    assert.equal(take(10_000), 100);
    assert.equal(take(60_000), 100);
  });

  it("of nothing is nothing", () => {
    assert.equal(new RetryBudget(0).take(0), false);
  });
});

describe("networks", () => {
  it("hold what they say, also IPv4 within IPv6", () => {
    const list = NetworkList.parse([
      "10.0.0.0/8",
      "192.0.2.7",
      "2001:db8::/33",
      "::1",
      "0.0.0.0/32",
    ]);
    const inside = [
      "10.255.0.1",
      "192.0.2.7",
      "::ffff:10.1.2.3",
      "2001:db8:7fff::1",
      "::1",
      "::ffff:a00:1",
    ];
    const outside = [
      "11.0.0.1",
      "192.0.2.8",
      "2001:db8:8000::",
      "::2",
      "",
      "x",
      "10.0.0",
      "010.0.0.1",
      "10.0.0.0.0",
    ];
    for (const address of inside) assert.ok(list.has(address), address);
    for (const address of outside) assert.ok(!list.has(address), address);
    assert.ok(NetworkList.parse(["0.0.0.0/0"]).has("203.0.113.9"));
    assert.ok(!NetworkList.parse(["0.0.0.0/0"]).has("2001:db8::1"));
    assert.ok(NetworkList.parse(["::ffff:10.0.0.0/104"]).has("10.9.9.9"));
    assert.ok(NetworkList.parse(["fe80::/10"]).has("fe80::1%eth0"));
  });

  it("that are none hold nothing", () => {
    for (const text of [
      "300.0.0.1",
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      "1::2::3",
      "::/129",
      "1:2",
      "/8",
    ]) {
      const list = NetworkList.parse([text]);
      for (const address of ["10.0.0.1", "::", "1::2"]) assert.ok(!list.has(address), text);
    }
  });

  it("agree with Node's own list about any address", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("::ffff:10.0.0.1"));
    const bits = fc.integer({ min: 0, max: 128 });
    fc.assert(
      fc.property(address, bits, fc.array(address, { maxLength: 5 }), (base, bits, others) => {
        const family = isIPv6(base) ? "ipv6" : "ipv4";
        const length = family === "ipv4" ? bits % 33 : bits;
        // An IPv4 address within IPv6 is IPv4 for us, and both for Node.
        const isMapped = (one: string) => /^(?:0*:)*:?ffff:/i.test(one);
        if (isMapped(base)) return;
        const theirs = new BlockList();
        theirs.addSubnet(base, length, family);
        const ours = NetworkList.parse([`${base}/${length}`]);
        for (const one of [base, ...others]) {
          if (isMapped(one)) continue;
          const kind = isIPv6(one) ? "ipv6" : "ipv4";
          if (kind !== family) assert.equal(ours.has(one), false);
          else assert.equal(ours.has(one), theirs.check(one, kind), `${one} in ${base}/${length}`);
        }
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it("stand for visitors who can choose their address", () => {
    assert.equal(visitorNetwork("192.0.2.1"), "192.0.2.1");
    assert.equal(visitorNetwork("::ffff:192.0.2.1"), "192.0.2.1");
    assert.equal(visitorNetwork("::ffff:c000:201"), "192.0.2.1");
    assert.equal(visitorNetwork("2001:db8::1"), visitorNetwork("2001:db8:0:0:ffff::2"));
    assert.notEqual(visitorNetwork("2001:db8::1"), visitorNetwork("2001:db8:0:1::1"));
  });
});
