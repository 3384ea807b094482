/**
 * How visitors of an environment, or of one of its host names and paths, are treated beyond where they are
 * sent. What is absent is as the proxy's own flags or defaults say; what a host name says wins over what its
 * environment says, key by key.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { count, exact, list, milliseconds, oneOf, text } from "./shape.js";

const percent = Type.Number({ minimum: 0, maximum: 100 });
/** RFC 9110, section 5.6.2: a token. */
export const headerNamePattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$";
export const headerName = Type.String({ pattern: headerNamePattern });
/** RFC 9110, section 5.5: visible characters, spaces, tabs; latin1. */
const headerValue = Type.String({ maxLength: 4_096, pattern: "^[\\t\\x20-\\x7e\\x80-\\xff]*$" });
/** An address or a network: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. */
export const networkSchema = Type.String({
  maxLength: 64,
  pattern: "^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$",
});

export const headerEditsSchema = exact({
  /** Replaces what is there. */
  set: Type.Optional(
    Type.Record(headerName, headerValue, { maxProperties: 50, additionalProperties: false }),
  ),
  remove: Type.Optional(list(headerName, 50)),
});
export type HeaderEdits = Static<typeof headerEditsSchema>;

/** What must hold of a request; of several parts all. */
export const conditionSchema = exact({
  /** Without values: it is there, whatever it says. */
  header: Type.Optional(exact({ name: headerName, values: Type.Optional(list(text(1_000), 100)) })),
  cookie: Type.Optional(exact({ name: headerName, values: Type.Optional(list(text(1_000), 100)) })),
  /** Of the visitors for whom the rest holds; who they are is stable. */
  percent: Type.Optional(percent),
});
export type Condition = Static<typeof conditionSchema>;

export const rulesSchema = exact({
  /** Requests wait up to `limitMs`, then they are answered with 503 and Retry-After. */
  pause: Type.Optional(
    exact({ limitMs: milliseconds, by: Type.Optional(text(200)), since: Type.Optional(count) }),
  ),
  /** Every request is answered with 503 and this; HTML when it begins with `<`. */
  maintenance: Type.Optional(
    exact({
      text: text(100_000),
      retryAfterSeconds: Type.Optional(count),
      by: Type.Optional(text(200)),
      since: Type.Optional(count),
    }),
  ),
  /** Only these may come; absent: all. */
  allow: Type.Optional(list(networkSchema, 1_000)),
  /** These may not, whatever `allow` says. */
  deny: Type.Optional(list(networkSchema, 1_000)),
  /** Basic auth. `hash`: `scrypt$N$r$p$SALT$KEY`, both base64url. Empty: nobody. */
  users: Type.Optional(list(exact({ name: text(200), hash: text(500) }), 100)),
  /** Whether `X-Propagit-Commit: PREFIX` and `?propagit=PREFIX` pin a visitor. Default: no. */
  pins: Type.Optional(Type.Boolean()),
  /** Largest body of a request. */
  bodyBytesMax: Type.Optional(count),
  /** More than that is answered with 429 and Retry-After. */
  rate: Type.Optional(
    exact({
      perSecond: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
      burst: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
      /** Counted by each of these; `header` names one whose value counts. */
      by: oneOf("address", "visitor", "header"),
      header: Type.Optional(headerName),
    }),
  ),
  timeouts: Type.Optional(
    exact({
      connectMs: Type.Optional(milliseconds),
      /** From the request's end to the head of its answer. */
      headMs: Type.Optional(milliseconds),
      /** Longest silence within a body, or of an upgraded connection. */
      idleMs: Type.Optional(milliseconds),
    }),
  ),
  retries: Type.Optional(
    exact({
      /** On other endpoints, for idempotent requests; 0: never. */
      attempts: Type.Integer({ minimum: 0, maximum: 10 }),
      /** Retries per 100 requests of the last ten seconds; more are not made. */
      budgetPercent: percent,
    }),
  ),
  /** Where the app names its visitors, instead of the proxy's own cookie; the header is looked at first. */
  visitor: Type.Optional(
    exact({ header: Type.Optional(headerName), cookie: Type.Optional(headerName) }),
  ),
  /** Whether a visitor stays with one instance as long as it is healthy. */
  stickyInstance: Type.Optional(Type.Boolean()),
  /** A new endpoint's part of the load rises over this long. */
  slowStartMs: Type.Optional(milliseconds),
  /** Plain requests are answered with a redirect to https. */
  httpsOnly: Type.Optional(Type.Boolean()),
  /** Strict-Transport-Security on answers over TLS. */
  hsts: Type.Optional(
    exact({
      maxAgeSeconds: count,
      includeSubdomains: Type.Optional(Type.Boolean()),
      preload: Type.Optional(Type.Boolean()),
    }),
  ),
  requestHeaders: Type.Optional(headerEditsSchema),
  answerHeaders: Type.Optional(headerEditsSchema),
});
export type Rules = Static<typeof rulesSchema>;
