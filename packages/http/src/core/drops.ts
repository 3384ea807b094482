/**
 * Which fields of a head go no further than this connection, as tables by known name; see `known-names.ts`.
 *
 *     hop-by-hop (RFC 9110, 7.6.1)   end here, and so does what Connection names
 *     framing, Host                  stay unless we say them anew; Connection cannot take them away
 *     forwarding                     ours to say: dropped, or believed and extended
 */
import { known, type KnownName, lookalike } from "./known-names.js";

/** What becomes of a known field. */
export const fate = {
  /** Stays, unless Connection or an edit names it. */
  kept: 0,
  dropped: 1,
  /** Frames the message: stays as long as the framing does. */
  framing: 2,
  /** Stays with a change of protocol. */
  upgrade: 3,
  /** Stays unless another Host is given. */
  host: 4,
  /** Stays when the endpoint is to say 100 itself. */
  expect: 5,
  /** Announces trailers: stays with chunked framing. */
  trailer: 6,
} as const;

/** By known name. */
export type Fates = Uint8Array;

const hopByHop: readonly KnownName[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "te",
  "http2-settings",
];

/** What a visitor says about those before him. */
const forwarding: readonly KnownName[] = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-*",
  "x-real-ip",
  "x-request-id",
  "traceparent",
  "tracestate",
];

/** Of an answer on its way to the visitor. */
export const answerFates: Fates = fatesOf({}, hopByHop);

/** Of a request on its way to the endpoint; of what is about forwarding, `believed` stays. */
export function requestFates(believed: readonly KnownName[] = []): Fates {
  const dropped = forwarding.filter((name) => !believed.includes(name));
  return fatesOf({ host: fate.host, expect: fate.expect }, [...hopByHop, ...dropped]);
}

function fatesOf(
  special: Partial<Record<KnownName, number>>,
  dropped: readonly KnownName[],
): Fates {
  const fates = new Uint8Array(2 * lookalike);
  const framing = {
    "content-length": fate.framing,
    "transfer-encoding": fate.framing,
    upgrade: fate.upgrade,
    trailer: fate.trailer,
  };
  for (const [name, its] of Object.entries({ ...framing, ...special })) {
    fates[known[name as KnownName]] = its;
  }
  for (const name of dropped) {
    fates[known[name]] = fate.dropped;
    fates[known[name] + lookalike] = fate.dropped;
  }
  return fates;
}
