/** What a thread that begins later is told, so that it goes by the same table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BookUpdate } from "@propagit/protocol";
import { simulate } from "@propagit/runtime";
import { RouteTable } from "../src/core/route-table.js";
import { takeFeed } from "../src/feed.js";
import { TableKeeper } from "../src/table-keeper.js";
import { outcome } from "./support/decisions.js";
import { commitA, endpointOf, routeOf } from "./support/samples.js";

const position = { epoch: "1", revision: 1 };
const piece = (repo: string, revision: number, more: boolean): BookUpdate => ({
  kind: "snapshot",
  book: "b",
  revision,
  routes: [{ ...routeOf([commitA, 1]), repo }],
  deployments: [],
  ...(more && { more }),
});

/** A keeper, and a thread that begins when the test says. */
function start() {
  const keeper = new TableKeeper(simulate(1).worldOf("proxy"), "/data", {});
  const begin = () => {
    const table = new RouteTable({});
    const take = (feed: Parameters<typeof takeFeed>[1]) => takeFeed(table, feed, 0);
    for (const feed of keeper.feeds()) take(feed);
    keeper.onFeed(take);
    return table;
  };
  return { keeper, begin };
}

test("a thread that begins in the middle of a book gets all of it", () => {
  for (const isFirst of [true, false]) {
    const { keeper, begin } = start();
    keeper.takeUpdate({ kind: "up", at: position, endpoint: endpointOf(1) });
    if (!isFirst) keeper.takeBook(piece("old", 1, false));
    keeper.takeBook(piece("shop", 2, true));
    const table = begin();
    assert.match(String(outcome(table, "shop.localhost")), /^NO_ROUTE/);
    keeper.takeBook(piece("cart", 2, false));
    for (const one of [table, keeper.table]) {
      assert.deepEqual([outcome(one, "shop.localhost"), outcome(one, "cart.localhost")], [1, 1]);
      assert.match(String(outcome(one, "old.localhost")), /^NO_ROUTE/);
    }
  }
});

test("a thread that begins while an endpoint is about to go sends nobody there", () => {
  const { keeper, begin } = start();
  keeper.takeBook(piece("webapp", 1, false));
  for (const number of [1, 2]) {
    keeper.takeUpdate({ kind: "up", at: position, endpoint: endpointOf(number) });
  }
  keeper.leave(new Set(["127.0.0.1:1"]));
  assert.equal(outcome(begin()), 2);
  keeper.leave(new Set(["127.0.0.1:2"]));
  assert.match(String(outcome(begin())), /^NO_ENDPOINT/);
});
