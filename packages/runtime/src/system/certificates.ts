/**
 * Certificates for TLS (X.509, RFC 5280): read and checked, requested, and made, as authorities and tests do.
 *
 * Node reads them and makes keys and signatures, but writes no certificate; the few lines of DER that this
 * takes are here rather than a package of a hundred times their size. Keys that are made here are for P-256
 * (ECDSA), which every client of the last ten years takes and which costs a server a tenth of RSA.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { isIP } from "node:net";
import { PropagitError } from "@propagit/protocol";
import * as der from "../core/der.js";

/** A certificate (its chain after it), as PEM, and what can be read of it. */
export interface CertificateChain {
  readonly certificate: string;
  /** Hosts it is for, lower-case, addresses among them; `*.example.com` for one label in front. */
  readonly names: readonly string[];
  /** Who gave it, in few words. */
  readonly issuer: string;
  /** In ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** With the key that belongs to it. */
export interface CertificatePair extends CertificateChain {
  readonly key: string;
}

/**
 * @throws BAD_CERTIFICATE when it is none, names no host, or the key is not the one that belongs to it
 */
export function readCertificatePair(certificate: string, key: string): CertificatePair {
  const { leaf, chain } = blocksIn(certificate);
  const secret = readKey(key);
  if (!leaf.checkPrivateKey(secret)) {
    const [later] = chain.filter((one) => one.checkPrivateKey(secret));
    if (!later) throw bad("the key does not belong to the certificate");
    throw bad("the certificate of the host is not the first one in its file");
  }
  const pem = secret.export({ type: "pkcs8", format: "pem" }).toString();
  return { ...readCertificateChain(certificate), key: pem };
}

/** What can be said without its key. @throws BAD_CERTIFICATE when it is none, or names no host */
export function readCertificateChain(certificate: string): CertificateChain {
  const { blocks, leaf } = blocksIn(certificate);
  const names = namesOf(leaf);
  if (names.length === 0) throw bad("the certificate names no host (subjectAltName)");
  return {
    certificate: `${blocks.join("\n")}\n`,
    names,
    issuer: issuerOf(leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
  };
}

/** @throws BAD_CERTIFICATE */
function blocksIn(certificate: string) {
  const found = certificate.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  const blocks = found ?? [];
  const [leaf, ...chain] = blocks.map(readCertificate);
  if (!leaf) throw bad("there is no certificate in it (-----BEGIN CERTIFICATE-----)");
  return { blocks, leaf, chain };
}

/** A new key, as PEM. */
export function makeCertificateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** A request for a certificate (PKCS #10, RFC 2986), as DER. */
export function makeCertificateRequest(names: readonly string[], key: string): Uint8Array {
  const secret = createPrivateKey(key);
  const extensions = der.sequence(subjectNames(names));
  const wanted = der.sequence(der.objectId(ids.extensionRequest), der.set(extensions));
  const info = der.sequence(
    der.unsigned(0),
    nameOf(""),
    publicKeyOf(secret),
    der.context(0, wanted),
  );
  return signed(info, secret);
}

export interface CertificateWish {
  /** Hosts and addresses. */
  readonly names: readonly string[];
  /** Of the certificate. */
  readonly key: string;
  /** In ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Who signs it; default: itself. */
  readonly issuer?: { readonly name: string; readonly key: string };
  /** It may sign others; its own name is `authority`. */
  readonly authority?: string;
  /** What proves to an authority that a host is ours: SHA-256 of a key authorization (RFC 8737). */
  readonly acmeProof?: Uint8Array;
}

/** A certificate, as PEM. */
export function makeCertificate(wish: CertificateWish): string {
  const key = createPrivateKey(wish.key);
  const ownName = wish.authority ?? wish.names[0] ?? "";
  const algorithm = der.sequence(der.objectId(ids.ecdsaWithSha256));
  const body = der.sequence(
    der.context(0, der.unsigned(2)),
    der.unsigned(1, ...randomBytes(15)),
    algorithm,
    nameOf(wish.issuer?.name ?? ownName),
    der.sequence(der.time(wish.notBefore), der.time(wish.notAfter)),
    nameOf(ownName),
    publicKeyOf(key),
    der.context(3, der.sequence(...extensionsOf(wish))),
  );
  const whole = signed(body, wish.issuer ? createPrivateKey(wish.issuer.key) : key);
  const lines = Buffer.from(whole).toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const ids = {
  commonName: "2.5.4.3",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extensionRequest: "1.2.840.113549.1.9.14",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  acmeIdentifier: "1.3.6.1.5.5.7.1.31",
} as const;

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw bad("a certificate in it cannot be read", thrown);
  }
}

function readKey(pem: string): KeyObject {
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw bad("the key is locked with a passphrase; open it: openssl pkey -in KEY -out OPEN");
  }
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    throw bad("there is no key in it that can be read (-----BEGIN PRIVATE KEY-----)", thrown);
  }
}

/** `DNS:a.example.com, IP Address:10.0.0.1`, as Node writes them; what is quoted is no host name. */
function namesOf(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? "").split(", ").flatMap((name) => {
    const [, host] = /^(?:DNS|IP Address):([A-Za-z0-9*._:-]+)$/.exec(name) ?? [];
    return host === undefined ? [] : [host.toLowerCase()];
  });
}

/** The common name, else the organisation, of `C=US\nO=Let's Encrypt\nCN=R11`. */
function issuerOf({ issuer }: X509Certificate): string {
  const parts = new Map(issuer.split("\n").map((line) => line.split("=", 2) as [string, string]));
  const [organisation, name] = [parts.get("O"), parts.get("CN")];
  const words = [organisation, name].filter((word) => word !== undefined && word !== "");
  return (words.join(" ") || "nobody").slice(0, 200);
}

function publicKeyOf(key: KeyObject): der.Der {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

function subjectNames(names: readonly string[]): der.Der {
  const all = names.map((name) =>
    isIP(name)
      ? der.context(7, addressBytes(name), true)
      : der.context(2, new TextEncoder().encode(name), true),
  );
  return der.sequence(der.objectId(ids.subjectAltName), der.octetString(der.sequence(...all)));
}

function extensionsOf({ names, authority, acmeProof }: CertificateWish): der.Der[] {
  const critical = (id: string, content: der.Der) =>
    der.sequence(der.objectId(id), der.bool(true), der.octetString(content));
  return [
    ...(names.length > 0 ? [subjectNames(names)] : []),
    ...(authority === undefined
      ? []
      : [critical(ids.basicConstraints, der.sequence(der.bool(true)))]),
    ...(acmeProof ? [critical(ids.acmeIdentifier, der.octetString(acmeProof))] : []),
  ];
}

function nameOf(commonName: string): der.Der {
  if (commonName === "") return der.sequence();
  const attribute = der.sequence(der.objectId(ids.commonName), der.utf8(commonName.slice(0, 64)));
  return der.sequence(der.set(attribute));
}

function signed(body: der.Der, key: KeyObject): Uint8Array {
  const algorithm = der.sequence(der.objectId(ids.ecdsaWithSha256));
  return der.sequence(body, algorithm, der.bitString(sign("sha256", body, key)));
}

/** Of IPv4 only: an authority gives none for others that matter here. */
function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(address.split(".").map(Number));
}

function bad(message: string, cause?: unknown): PropagitError {
  return new PropagitError("BAD_CERTIFICATE", message, { cause });
}
