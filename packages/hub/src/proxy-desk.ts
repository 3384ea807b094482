/** Proxies at the hub's door: they are met, follow the book, are shown, and are asked on behalf of drones. */
import type { Params, Result } from "@propagit/protocol";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Book } from "./book.js";
import { meetingOf } from "./core/proxy-membership.js";
import type { Proxies } from "./proxies.js";
import type { Switchboard } from "./switch.js";

export interface ProxyDeskParts {
  readonly proxies: Proxies;
  readonly book: Book;
  readonly switchboard: Switchboard;
  /** What every proxy is told when it is met. */
  readonly met: Result<"hub.meet">;
}

export function proxyHandlers({ proxies, book, switchboard, met }: ProxyDeskParts): Handlers {
  return {
    "hub.meet": (params, call) => meet(proxies, met, params, call),
    "hub.routes": (params, call) => book.follow(params, call),
    "hub.proxies": () => ({
      revision: book.revision,
      proxies: proxies.summaries((revision) => book.behind(revision)),
    }),
    "hub.drained": (params) => switchboard.drained(params),
  };
}

/** @throws BAD_VERSION, OVERLOADED, DATA_UNUSABLE */
async function meet(
  proxies: Proxies,
  met: Result<"hub.meet">,
  params: Params<"hub.meet">,
  { conversation }: Pick<IncomingCall<"hub.meet">, "conversation">,
): Promise<Result<"hub.meet">> {
  await proxies.meet(meetingOf(params), conversation);
  return met;
}
