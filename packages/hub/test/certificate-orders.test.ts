import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Draft } from "../src/core/draft.js";
import { OrderBench } from "./support/order-bench.js";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A hub that died when the certificate was ordered, and before the authority had looked. */
async function killedWithOrder({ checkMs }: { readonly checkMs: number }): Promise<OrderBench> {
  const bench = await OrderBench.open();
  bench.authority.checkMs = checkMs;
  bench.proxy();
  await bench.ask();
  const isOrdered = () => bench.ledger.rows("orders").get("shop.test")?.order !== undefined;
  await bench.sim.clock.until("it is ordered", isOrdered);
  await bench.kill();
  return bench;
}

describe("orders of certificates", () => {
  it("are made for each host once, few at a time", async () => {
    const bench = await OrderBench.open();
    const proxy = bench.proxy();
    const hosts = Array.from({ length: 30 }, (_, at) => `host-${at}.test`);
    await bench.ask({ hosts });
    await bench.untilValid(30);
    assert.deepEqual(bench.authority.ordered.map(({ host }) => host).sort(), [...hosts].sort());
    assert.ok(bench.authority.openMax <= 4, String(bench.authority.openMax));
    await bench.sim.clock.advance(1_000);
    assert.equal(proxy.certificates.size, 30);
    assert.deepEqual(proxy.challenges, []);
    assert.equal(bench.ledger.rows("orders").size, 0);
    await bench.kill();
  });

  it("come again at two thirds of a certificate's life, give or take, and replace it", async () => {
    const bench = await OrderBench.open();
    const proxy = bench.proxy();
    await bench.ask();
    await bench.untilValid(1);
    const [first] = bench.rows;
    await bench.sim.clock.advance(50 * dayMs);
    assert.equal(bench.authority.ordered.length, 1);
    await bench.sim.clock.advance(12 * dayMs);
    assert.equal(bench.authority.ordered.length, 2);
    assert.equal(bench.rows.length, 1);
    assert.notEqual(bench.rows[0]?.id, first?.id);
    assert.deepEqual([...proxy.certificates.keys()], [bench.rows[0]?.id]);
    await bench.sim.clock.advance(365 * dayMs);
    assert.ok(bench.authority.ordered.length <= 9, String(bench.authority.ordered.length));
    await bench.kill();
  });

  it("wait longer after each failure, and never ask in a busy loop", async () => {
    const bench = await OrderBench.open();
    bench.proxy();
    bench.authority.shown = () => undefined;
    await bench.ask();
    await bench.sim.clock.advance(60 * minuteMs);
    assert.ok(bench.authority.ordered.length <= 5, String(bench.authority.ordered.length));
    await bench.sim.clock.advance(30 * dayMs);
    const times = bench.authority.ordered.map(({ at }) => at);
    const waits = times.slice(1).map((at, index) => (at - (times[index] ?? 0)) / minuteMs);
    const expected = [2, 8, 32, 128, 512, 1_440, 1_440];
    for (const [index, minutes] of expected.entries()) {
      const wait = waits[index] ?? 0;
      assert.ok(wait > minutes * 0.79 && wait < minutes * 1.25, `${index}: ${wait}`);
    }
    assert.ok(bench.authority.requests < 45 * 12, String(bench.authority.requests));
    const failures = bench.ledger.rows("orders").get("shop.test")?.failures ?? 0;
    assert.equal(failures, bench.authority.ordered.length);
    const events = (await bench.ledger.events(100)).filter(
      ({ kind }) => kind === "certificate-failed",
    );
    assert.equal(events.length, failures);
    await bench.kill();
  });

  it("keep what a busy authority wishes, for all hosts", async () => {
    const bench = await OrderBench.open();
    bench.proxy();
    const details = { isBusy: true, retryAfterMs: 20 * minuteMs };
    bench.authority.refuses = { message: "too many (rateLimited)", details };
    await bench.ask({ hosts: Array.from({ length: 20 }, (_, at) => `host-${at}.test`) });
    await bench.sim.clock.advance(19 * minuteMs);
    assert.ok(bench.authority.ordered.length <= 4, String(bench.authority.ordered.length));
    bench.authority.refuses = undefined;
    await bench.sim.clock.until("all are there", () => bench.rows.length === 20, 40 * minuteMs);
    await bench.kill();
  });

  it("go on in the hub's next life, with the order and the key of the former one", async () => {
    const bench = await killedWithOrder({ checkMs: 90_000 });
    await bench.start();
    bench.proxy();
    await bench.untilValid(1);
    assert.equal(bench.authority.ordered.length, 1);
    await bench.kill();
  });

  it("are made again soon when the authority looked in vain while there was no hub", async () => {
    const bench = await killedWithOrder({ checkMs: 5_000 });
    const { shown } = bench.authority;
    bench.authority.shown = () => undefined;
    await bench.start();
    bench.proxy();
    const hasFailed = () => bench.ledger.rows("orders").get("shop.test")?.error !== undefined;
    await bench.sim.clock.until("it failed", hasFailed, minuteMs);
    assert.equal(bench.ledger.rows("orders").get("shop.test")?.failures, 0);
    bench.authority.shown = shown;
    await bench.sim.clock.until("it is there", () => bench.rows.length === 1, minuteMs);
    await bench.kill();
  });

  it("are made again soon also when the proxies came after the hub", async () => {
    const bench = await killedWithOrder({ checkMs: 5_000 });
    const { shown } = bench.authority;
    bench.authority.shown = () => undefined;
    await bench.start();
    const error = () => bench.ledger.rows("orders").get("shop.test")?.error ?? "";
    await bench.sim.clock.until("nobody answers", () => error().startsWith("no proxy"), minuteMs);
    bench.proxy();
    await bench.sim.clock.until("it failed", () => /believe/.test(error()), minuteMs);
    assert.equal(bench.ledger.rows("orders").get("shop.test")?.failures, 0);
    // Only once: from then on it is the authority's word.
    await bench.sim.clock.until("again", () => bench.authority.ordered.length === 2, minuteMs);
    const failures = () => bench.ledger.rows("orders").get("shop.test")?.failures;
    await bench.sim.clock.until("it counts", () => failures() === 1, minuteMs);
    bench.authority.shown = shown;
    await bench.untilValid(1);
    await bench.kill();
  });

  it("begin anew when the authority no longer knows them", async () => {
    const bench = await killedWithOrder({ checkMs: 90_000 });
    bench.authority.forget();
    bench.authority.checkMs = 1_000;
    await bench.start();
    bench.proxy();
    await bench.untilValid(1);
    assert.equal(bench.authority.ordered.length, 2);
    await bench.kill();
  });

  it("are not made while no proxy can answer, nor while one that is there has not confirmed", async () => {
    const bench = await OrderBench.open();
    await bench.ask({ challenge: "tls-alpn-01" });
    bench.proxy({ keys: false });
    await bench.sim.clock.advance(10 * minuteMs);
    assert.equal(bench.authority.requests, 0);
    assert.match(
      bench.ledger.rows("orders").get("shop.test")?.error ?? "",
      /^no proxy that speaks TLS is connected/,
    );
    const silent = bench.proxy({ isSilent: true });
    bench.proxy();
    await bench.sim.clock.advance(minuteMs);
    assert.match(
      bench.ledger.rows("orders").get("shop.test")?.error ?? "",
      /did not take .* proxy-1$/,
    );
    assert.equal(bench.rows.length, 0);
    silent.leave();
    await bench.untilValid(1);
    const events = (await bench.ledger.events(100)).map(({ kind }) => kind);
    assert.equal(events.filter((kind) => kind === "certificate-failed").length, 2);
    await bench.kill();
  });

  it("say that the authority offers another kind of proof only", async () => {
    const bench = await OrderBench.open();
    bench.proxy();
    bench.authority.kinds = ["tls-alpn-01"];
    await bench.ask();
    await bench.sim.clock.advance(minuteMs);
    const { error } = bench.ledger.rows("orders").get("shop.test") ?? {};
    assert.equal(error, "the authority offers no http-01 for it, but tls-alpn-01");
    await bench.kill();
  });

  it("follow what routes name and what is allowed, and end for hosts that nobody wants", async () => {
    const bench = await OrderBench.open();
    bench.proxy();
    await bench.ask({ hosts: [], allow: ["*.shop.test"] });
    const route = (hosts: readonly string[]) =>
      bench.ledger.change(() => {
        const draft = new Draft(bench.ledger);
        draft.put("routes", "webapp/production", {
          repo: "webapp",
          shares: [],
          hosts: hosts.map((host) => ({ host })),
        });
        return draft.change;
      });
    await route(["a.shop.test", "A.b.shop.test", "*.shop.test", "shop.test", "other.test"]);
    await bench.untilValid(2);
    await bench.sim.clock.advance(minuteMs);
    assert.deepEqual(bench.rows.map(({ names }) => names.join()).sort(), [
      "a.b.shop.test",
      "a.shop.test",
    ]);
    await route(["a.shop.test"]);
    await bench.sim.clock.advance(80 * dayMs);
    assert.equal(bench.authority.ordered.length, 3);
    await bench.sim.clock.advance(15 * dayMs);
    assert.deepEqual(
      bench.rows.map(({ names }) => names[0]),
      ["a.shop.test"],
    );
    await bench.kill();
  });

  it("are made at once when somebody asks, however long they would have waited", async () => {
    const bench = await OrderBench.open();
    bench.proxy();
    const { shown } = bench.authority;
    bench.authority.shown = () => undefined;
    await bench.ask();
    await bench.sim.clock.advance(60 * minuteMs);
    bench.authority.shown = shown;
    await bench.orders.renew(["shop.test"], "bea");
    await bench.sim.clock.advance(10_000);
    assert.equal(bench.rows[0]?.by, "bea");
    await bench.kill();
  });
});
