/**
 * Rows about certificates, and the keys they live under:
 *
 *     certificates/<id>        a certificate with its key, hidden
 *     acme/settings            the authority that is asked, and for which hosts
 *     orders/<host>            what is asked for, or waits for its next try
 */
import { challengeKinds } from "@propagit/protocol";
import { Type, type Static } from "typebox";

const time = Type.Integer({ minimum: 0 });
const count = Type.Integer({ minimum: 0 });
const host = Type.String({ minLength: 1, maxLength: 255 });

export const certificateRow = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{16}$" }),
  /** Hosts it is for, as it says itself. */
  names: Type.Array(host),
  source: Type.Enum(["file", "acme"]),
  /** With its chain, as PEM. */
  certificate: Type.String(),
  /** The key as PEM, hidden under the hub's own. */
  hidden: Type.String(),
  issuer: Type.String(),
  notBefore: time,
  notAfter: time,
  at: time,
  by: Type.String(),
});
export type CertificateRow = Static<typeof certificateRow>;

export const acmeRow = Type.Object({
  directory: Type.String(),
  email: Type.Optional(Type.String()),
  /** Who signs the directory's own certificate, as PEM. */
  authority: Type.Optional(Type.String()),
  challenge: Type.Enum([...challengeKinds]),
  hosts: Type.Array(host),
  allow: Type.Array(Type.String()),
  account: Type.Object({
    url: Type.String(),
    /** Its key as PEM, hidden. */
    hidden: Type.String(),
  }),
  /** The authority wishes to be left alone until then. */
  pausedUntil: Type.Optional(time),
  at: time,
  by: Type.String(),
});
export type AcmeRow = Static<typeof acmeRow>;

export const orderRow = Type.Object({
  host,
  /** Its URL at the authority, from the moment it exists until it is over: a hub that restarts goes on with it. */
  order: Type.Optional(Type.String()),
  /** Of the certificate, as PEM, hidden: kept before the authority is asked to sign, or what it signs is lost. */
  hidden: Type.Optional(Type.String()),
  /** In a row. */
  failures: count,
  /** Not before then. */
  nextAt: time,
  error: Type.Optional(Type.String()),
  /** Asked for by somebody, whether it is due or not. */
  by: Type.Optional(Type.String()),
  since: time,
});
export type OrderRow = Static<typeof orderRow>;

/** There is one authority for all hosts. */
export const acmeKey = "settings";
/** Together they must fit into what may wait for one proxy; see `Conversation`. */
export const certificatesMax = 5_000;
