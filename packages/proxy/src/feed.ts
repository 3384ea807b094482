/** What a table is told, in order: the same for that of the thread that follows and for those of workers. */
import type { BookUpdate, EndpointUpdate } from "@propagit/protocol";
import type { RouteTable } from "./core/route-table.js";
import { parseStandaloneRoute } from "./core/standalone.js";

export type Feed =
  | { readonly kind: "book"; readonly update: BookUpdate }
  | { readonly kind: "endpoints"; readonly updates: readonly EndpointUpdate[] }
  /** These endpoints go away: nobody new is sent there. */
  | { readonly kind: "leave"; readonly addresses: ReadonlySet<string> }
  /** The routes of a proxy without a hub, as `parseStandaloneRoute` reads them. */
  | { readonly kind: "standalone"; readonly routes: readonly string[] };

/** @param now monotonic, in ms */
export function takeFeed(table: RouteTable, feed: Feed, now: number): void {
  switch (feed.kind) {
    case "book":
      return table.takeBook(feed.update, now);
    case "endpoints":
      return table.takeEndpoints(feed.updates, now);
    case "leave":
      return table.leave(feed.addresses);
    case "standalone":
      return table.takeStandalone(feed.routes.map(parseStandaloneRoute));
    default:
      return feed satisfies never;
  }
}
