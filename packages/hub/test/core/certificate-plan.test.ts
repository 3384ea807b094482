import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { planOrders, renewAt, retryAt } from "../../src/core/certificate-plan.js";
import type { AcmeRow, CertificateRow, OrderRow } from "../../src/core/certificate-rows.js";
import type { LedgerRows } from "../../src/core/draft.js";
import { certificatesView } from "../../src/core/certificate-view.js";

const dayMs = 86_400_000;

function certificate(changes: Partial<CertificateRow> = {}): CertificateRow {
  return {
    id: "0".repeat(16),
    names: ["shop.test"],
    source: "acme",
    certificate: "",
    hidden: "",
    issuer: "Sim",
    notBefore: 0,
    notAfter: 90 * dayMs,
    at: 0,
    by: "ann",
    ...changes,
  };
}

function order(changes: Partial<OrderRow> = {}): OrderRow {
  return { host: "shop.test", failures: 0, nextAt: 0, since: 0, ...changes };
}

function rowsOf(parts: {
  readonly acme?: Partial<AcmeRow>;
  readonly certificates?: readonly CertificateRow[];
  readonly orders?: readonly OrderRow[];
}): LedgerRows {
  const acme: AcmeRow = {
    directory: "https://authority.test/",
    challenge: "http-01",
    hosts: ["shop.test"],
    allow: [],
    account: { url: "https://authority.test/1", hidden: "" },
    at: 5,
    by: "ann",
    ...parts.acme,
  };
  const tables: Record<string, ReadonlyMap<string, unknown>> = {
    acme: new Map(parts.acme === undefined ? [] : [["settings", acme]]),
    certificates: new Map((parts.certificates ?? []).map((row) => [row.id, row])),
    orders: new Map((parts.orders ?? []).map((row) => [row.host, row])),
    routes: new Map(),
  };
  return { rows: (table) => (tables[table] ?? new Map()) as never };
}

describe("the plan of orders", () => {
  it("is empty without an authority", () => {
    assert.deepEqual(planOrders(rowsOf({ certificates: [certificate()] }), 0).due, []);
  });

  it("has a host without a certificate at once, and one with it at two thirds of its life", () => {
    assert.deepEqual(planOrders(rowsOf({ acme: {} }), 7).due, ["shop.test"]);
    const rows = rowsOf({ acme: {}, certificates: [certificate()] });
    const plan = planOrders(rows, 59 * dayMs);
    assert.deepEqual([plan.due, plan.nextAt], [[], 60 * dayMs]);
    assert.deepEqual(planOrders(rows, 60 * dayMs).due, ["shop.test"]);
  });

  it("goes by the newest of several certificates of a host", () => {
    const newer = certificate({ id: "1".repeat(16), notBefore: dayMs, notAfter: 91 * dayMs });
    const rows = rowsOf({ acme: {}, certificates: [newer, certificate()] });
    assert.equal(planOrders(rows, 0).nextAt, renewAt(newer));
  });

  it("goes by what an order says, whatever the certificate", () => {
    const orders = [order({ nextAt: 500 })];
    const rows = rowsOf({ acme: {}, certificates: [certificate()], orders });
    assert.deepEqual([planOrders(rows, 499).due, planOrders(rows, 499).nextAt], [[], 500]);
    assert.deepEqual(planOrders(rows, 500).due, ["shop.test"]);
  });

  it("leaves an authority alone as long as it wishes", () => {
    const rows = rowsOf({ acme: { pausedUntil: 1_000, hosts: ["a.test", "b.test"] } });
    assert.deepEqual(planOrders(rows, 999), { due: [], nextAt: 1_000, over: [], dropped: [] });
    assert.deepEqual(planOrders(rows, 1_000).due, ["a.test", "b.test"]);
  });

  it("lets go of what is over and no longer wanted", () => {
    const stale = certificate({ names: ["old.test"], notAfter: 10 });
    const orders = [order({ host: "old.test" })];
    const plan = planOrders(rowsOf({ acme: {}, certificates: [stale], orders }), 10);
    assert.deepEqual([plan.over, plan.dropped], [[stale.id], ["old.test"]]);
    const kept = planOrders(rowsOf({ acme: {}, certificates: [stale] }), 9);
    assert.deepEqual(kept.over, []);
  });
});

describe("the time of the next try", () => {
  it("grows with failures to a day, give or take a fifth, and is never before the authority wishes", () => {
    const input = fc.record({
      now: fc.nat(),
      failures: fc.integer({ min: 1, max: 200 }),
      fraction: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      retryAfterMs: fc.nat(7 * dayMs),
    });
    fc.assert(
      fc.property(input, ({ now, ...failure }) => {
        const at = retryAt(now, failure);
        const plain = Math.min(120_000 * 4 ** Math.min(failure.failures - 1, 10), dayMs);
        assert.ok(at >= now + plain * 0.8 && at >= now + failure.retryAfterMs);
        assert.ok(at <= now + 1 + Math.max(plain * 1.2, failure.retryAfterMs));
      }),
    );
  });

  it("is before two thirds of a life are over, and the same each time", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{16}$/), (id) => {
        const at = renewAt(certificate({ id }));
        assert.ok(at <= 60 * dayMs && at >= 55 * dayMs, String(at / dayMs));
        assert.equal(at, renewAt(certificate({ id })));
      }),
    );
  });
});

describe("certificates as people see them", () => {
  const view = (parts: Parameters<typeof rowsOf>[0], now = 0, underWay = false) =>
    certificatesView(rowsOf(parts), now, () => underWay);

  it("show hosts that have none yet, and why", () => {
    const failed = order({ failures: 2, error: "why", nextAt: 9 });
    assert.deepEqual(view({ acme: {}, orders: [failed] }), [
      {
        names: ["shop.test"],
        source: "acme",
        state: "failing",
        since: 0,
        nextAt: 9,
        failures: 2,
        error: "why",
      },
    ]);
    assert.equal(view({ acme: {} })[0]?.state, "waiting");
    assert.equal(view({ acme: {} }, 0, true)[0]?.state, "ordering");
  });

  it("stay valid while a renewal fails, which stands beside it", () => {
    const orders = [order({ failures: 1, error: "why", nextAt: 9 })];
    const [seen] = view({ acme: {}, certificates: [certificate()], orders }, dayMs);
    assert.deepEqual([seen?.state, seen?.error, seen?.nextAt], ["valid", "why", 9]);
    const [over] = view({ acme: {}, certificates: [certificate()], orders }, 90 * dayMs);
    assert.equal(over?.state, "failing");
  });

  it("say when those of files end, and nothing of renewals", () => {
    const file = certificate({ source: "file", notBefore: 10 });
    assert.deepEqual(
      [0, 10, 90 * dayMs].map((now) => view({ certificates: [file] }, now)[0]?.state),
      ["early", "valid", "expired"],
    );
    assert.equal(view({ certificates: [file] }, 10)[0]?.nextAt, undefined);
  });
});
