/**
 * Certificates: what people call on the hub about them, and how proxies get them.
 *
 *     propagit certificates … ──> hub ──part: book update──> proxies ──taken { revision }──> hub
 *                                  \── an authority (ACME) asks a proxy for what the book says of a challenge
 *
 * Keys are hidden wherever they travel, under the key of the session.
 */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { by, nothing } from "./hub-params.js";
import { count, exact, list, oneOf, text } from "./shape.js";

/** A host that a certificate is for, lower-case; `*.` in front stands for one label. */
export const certificateName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: "^[a-z0-9*._:-]+$",
});
/** A host that an authority can be asked about. */
const acmeHost = Type.String({
  maxLength: 253,
  pattern: "^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$",
});
/** Which hosts of routes may be asked for: a host, `*.example.com` for all below it, or `*`. */
const hostPattern = Type.String({ maxLength: 255, pattern: "^(?:\\*|(?:\\*\\.)?[a-z0-9.-]+)$" });
const id = Type.String({ pattern: "^[0-9a-f]{16}$" });
/** A certificate and its chain as PEM. */
export const chain = text(200_000);
const hiddenKey = text(50_000);

export const challengeKinds = ["http-01", "tls-alpn-01"] as const;
export type ChallengeKind = (typeof challengeKinds)[number];

export const certificateSummarySchema = exact({
  /** Absent while there is none yet: the authority is asked for one. */
  id: Type.Optional(id),
  names: list(certificateName, 1_000),
  source: oneOf("file", "acme"),
  state: oneOf("valid", "early", "expired", "waiting", "ordering", "failing"),
  issuer: Type.Optional(text(200)),
  /** In ms since 1970, as everywhere. */
  notBefore: Type.Optional(count),
  notAfter: Type.Optional(count),
  /** When it is renewed, or tried again. */
  nextAt: Type.Optional(count),
  /** In a row, without a success in between. */
  failures: Type.Optional(count),
  error: Type.Optional(text(2_000)),
  by: Type.Optional(text(200)),
  since: count,
});
export type CertificateSummary = Static<typeof certificateSummarySchema>;

export const acmeSummarySchema = exact({
  directory: text(2_000),
  email: Type.Optional(text(320)),
  challenge: oneOf(...challengeKinds),
  /** Asked for whatever routes say. */
  hosts: list(acmeHost, 10_000),
  /** Hosts of routes that are asked for. */
  allow: list(hostPattern, 1_000),
  /** Nothing is asked until then, as the authority wishes. */
  pausedUntil: Type.Optional(count),
  by: text(200),
  since: count,
});
export type AcmeSummary = Static<typeof acmeSummarySchema>;

/** What a proxy needs of a certificate. */
export const bookCertificateSchema = exact({
  id,
  names: list(certificateName, 1_000),
  source: oneOf("file", "acme"),
  notAfter: count,
  certificate: chain,
  key: hiddenKey,
});

/** What is to be shown when an authority asks whether a host is ours. */
export const challengeSchema = exact({
  host: acmeHost,
  kind: oneOf(...challengeKinds),
  /** RFC 8555, section 8.3: at `/.well-known/acme-challenge/TOKEN` … */
  token: Type.String({ pattern: "^[A-Za-z0-9_-]{1,200}$" }),
  /** … this is answered. */
  keyAuthorization: text(400),
  /** RFC 8737: with ALPN `acme-tls/1` this certificate is shown. */
  certificate: Type.Optional(chain),
  key: Type.Optional(hiddenKey),
});
export type Challenge = Static<typeof challengeSchema>;

/** One step of following the certificates; each takes them to `revision` as a whole. */
export const certificateUpdateSchema = exact({
  revision: count,
  /** It begins anew: what is not in it, or in those that belong to it, is gone. */
  whole: Type.Boolean(),
  certificates: list(bookCertificateSchema, 10_000),
  dropped: list(id, 10_000),
  /** All of them, each time. */
  challenges: list(challengeSchema, 1_000),
  /** 48 bytes as hex, hidden: proxies that share them resume one another's TLS sessions. */
  ticketKeys: Type.Optional(text(1_000)),
  /** The next one belongs to this one: together they would not fit into a frame. */
  more: Type.Optional(Type.Boolean()),
});
export type CertificateUpdate = Static<typeof certificateUpdateSchema>;

/** Which authority is asked for what; what is left out stays as it is. */
export const acmeWish = {
  directory: Type.Optional(text(2_000)),
  email: Type.Optional(text(320)),
  /** Its terms are agreed to; without it an authority that has some is not asked. */
  agree: Type.Optional(Type.Boolean()),
  /** Who signs the directory's own certificate, as PEM; default: whom the system trusts. */
  authority: Type.Optional(chain),
  challenge: Type.Optional(oneOf(...challengeKinds)),
  addHosts: list(acmeHost, 1_000),
  dropHosts: list(acmeHost, 1_000),
  addAllow: list(hostPattern, 1_000),
  dropAllow: list(hostPattern, 1_000),
} as const;
export const hostsToRenew = list(acmeHost, 1_000);

export const certificateMethods = {
  /** What there is and what is asked for, without keys. */
  "hub.certificates": {
    params: nothing,
    part: list(certificateSummarySchema, 10_000),
    result: exact({
      certificates: list(certificateSummarySchema, 10_000),
      acme: Type.Optional(acmeSummarySchema),
    }),
    needs: "cluster",
  },
  /** Adds one that was got elsewhere; it replaces what was added for just the same names. */
  "hub.certificate-add": {
    params: exact({ certificate: chain, key: hiddenKey, by }),
    result: certificateSummarySchema,
    needs: "cluster",
  },
  /** Takes away those that are for that name; an authority is no longer asked for it by name. */
  "hub.certificate-remove": {
    params: exact({ name: certificateName, by }),
    result: exact({ removed: list(certificateSummarySchema, 10_000) }),
    needs: "cluster",
  },
  /** Sets up an authority, which is asked for an account at once, or changes what it is asked for. */
  "hub.acme": {
    params: exact({ ...acmeWish, by }),
    result: acmeSummarySchema,
    needs: "cluster",
  },
  /** Asks for these at once, whether they are due or not, and whatever happened before. */
  "hub.certificate-renew": {
    params: exact({ hosts: hostsToRenew, by }),
    result: exact({ hosts: list(acmeHost, 1_000) }),
    needs: "cluster",
  },
  /** For a proxy: certificates and challenges at once, and what changes of them, as parts. */
  "hub.certificate-book": {
    params: exact({
      /** It speaks TLS; without, it gets challenges only, and no keys. */
      keys: Type.Boolean(),
    }),
    part: certificateUpdateSchema,
    result: nothing,
    needs: "cluster",
  },
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;

export const certificateTellings = {
  /** Proxy to hub: it goes by that revision of the certificates. */
  "hub.certificate-book-taken": exact({ revision: count }),
} as const satisfies Record<string, TSchema>;
