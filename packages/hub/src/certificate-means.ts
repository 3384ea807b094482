/** What the hub needs from outside to get certificates and to look at them: `system/acme*.ts`. */
import type { ChallengeKind } from "@propagit/protocol";

export interface CertificateMeans {
  /** @throws BAD_CERTIFICATE when it is none, or the key is not the one that belongs to it */
  read(certificate: string, key: string): ReadCertificate;
  /** Without its key. @throws BAD_CERTIFICATE when it is none */
  readAlone(certificate: string): Omit<ReadCertificate, "key">;
  /** A new key, as PEM. */
  makeKey(): string;
  /** What is shown to an authority that asks with `acme-tls/1` (RFC 8737). */
  makeProof(host: string, keyAuthorization: string): KeyPair;
  /** Speaks to nobody yet. @throws BAD_CERTIFICATE when `authority` is no certificate */
  authority(place: AuthorityPlace): Authority;
}

interface KeyPair {
  /** With its chain, as PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface ReadCertificate extends KeyPair {
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface AuthorityPlace {
  /** URL of its directory (RFC 8555, section 7.1.1). */
  readonly directory: string;
  /** Who signs its own certificate, as PEM; default: whom the system trusts. */
  readonly authority?: string;
}

/** An authority that speaks ACME (RFC 8555). All its calls are bounded, and throw `AuthorityRefusal`. */
export interface Authority {
  /** Where its terms can be read; undefined when it has none. */
  terms(signal: AbortSignal): Promise<string | undefined>;
  /** The account of a key, made when there is none. @returns its URL */
  enrol(
    key: string,
    wish: { readonly email: string | undefined; readonly agree: boolean },
    signal: AbortSignal,
  ): Promise<string>;
  account(key: string, url: string): AuthorityAccount;
}

export interface AuthorityAccount {
  order(host: string, signal: AbortSignal): Promise<AuthorityOrder>;
  lookAtOrder(url: string, signal: AbortSignal): Promise<AuthorityOrder>;
  lookAtProof(url: string, signal: AbortSignal): Promise<AuthorityProof>;
  /** What answers a challenge with that token. */
  keyAuthorization(token: string): string;
  /** Says that a challenge can be checked. */
  ready(challengeUrl: string, signal: AbortSignal): Promise<void>;
  /** Asks for the certificate of an order that is ready. */
  finalize(
    order: AuthorityOrder,
    wish: { readonly host: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<AuthorityOrder>;
  /** With its chain, as PEM. */
  download(order: AuthorityOrder, signal: AbortSignal): Promise<string>;
}

export interface AuthorityOrder {
  readonly url: string;
  /** RFC 8555, section 7.1.6. */
  readonly status: "pending" | "ready" | "processing" | "valid" | "invalid";
  /** URLs of what has to be proven. */
  readonly authorizations: readonly string[];
  readonly finalizeUrl: string;
  readonly certificateUrl: string | undefined;
  readonly error: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** That one host is ours. */
export interface AuthorityProof {
  readonly status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  readonly host: string;
  readonly challenges: readonly {
    readonly kind: ChallengeKind | "other";
    readonly url: string;
    readonly token: string;
    readonly status: string;
  }[];
  /** Why it is invalid. */
  readonly error: string | undefined;
  readonly retryAfterMs: number | undefined;
}
