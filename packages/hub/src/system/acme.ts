/**
 * An authority that speaks ACME (RFC 8555), as its client sees it.
 *
 *     directory ──> nonce ──> signed POST ──> answer, next nonce
 *                     ^──────── badNonce ────────┘  at most a few times
 *
 * An account is a key and the URL that the authority knows it by.
 */
import { PropagitError } from "@propagit/protocol";
import { makeCertificateRequest } from "@propagit/runtime";
import { X509Certificate } from "node:crypto";
import type {
  Authority,
  AuthorityAccount,
  AuthorityOrder,
  AuthorityPlace,
  AuthorityProof,
} from "../certificate-means.js";
import { AuthorityRefusal } from "../core/authority-refusal.js";
import {
  directorySchema,
  orderOf,
  problemKind,
  proofOf,
  read,
  refusalOf,
  type Directory,
} from "./acme-answers.js";
import { readAccountKey, signedMessage, type AccountKey } from "./acme-jws.js";
import { AcmeRequests, type AcmeAnswer } from "./acme-request.js";

/** An authority may forget nonces as it likes (pebble refuses one in twenty on purpose). */
const nonceTriesMax = 10;

/** A key, and the URL of its account once there is one. */
interface Signer {
  readonly key: AccountKey;
  readonly account?: string;
}

interface Message {
  readonly url: string;
  /** Undefined: a look. */
  readonly payload?: unknown;
  readonly signal: AbortSignal;
}

export class AcmeAuthority implements Authority {
  readonly #place: AuthorityPlace;
  readonly #requests: AcmeRequests;
  #directory: Promise<Directory> | undefined;
  #nonce: string | undefined;

  /** @throws BAD_CERTIFICATE when `authority` is no certificate */
  constructor(place: AuthorityPlace) {
    this.#place = place;
    checkAuthority(place.authority);
    this.#requests = new AcmeRequests(place.authority);
  }

  async terms(signal: AbortSignal): Promise<string | undefined> {
    const { meta } = await this.directory(signal);
    if (meta?.externalAccountRequired) {
      throw new AuthorityRefusal(
        "the authority wants an account that was made elsewhere (external account binding), which is not possible here",
      );
    }
    return meta?.termsOfService;
  }

  async enrol(
    pem: string,
    { email, agree }: { readonly email: string | undefined; readonly agree: boolean },
    signal: AbortSignal,
  ): Promise<string> {
    const { newAccount } = await this.directory(signal);
    const key = readAccountKey(pem);
    const contact = email === undefined ? [] : [`mailto:${email}`];
    const payload = { termsOfServiceAgreed: agree, contact };
    const answer = await this.post({ key }, { url: newAccount, payload, signal });
    const { location } = answer.headers;
    if (location === undefined) throw new AuthorityRefusal("the authority names no account");
    // One that was there already keeps the addresses that it had, unless told.
    if (answer.status === 200 && email !== undefined) {
      await this.post({ key, account: location }, { url: location, payload: { contact }, signal });
    }
    return location;
  }

  account(key: string, url: string): AuthorityAccount {
    return new AcmeAccount(this, { key: readAccountKey(key), account: url });
  }

  /** Asked for once; again when that failed. */
  directory(signal: AbortSignal): Promise<Directory> {
    this.#directory ??= this.#fetchDirectory(signal).catch((thrown: unknown) => {
      this.#directory = undefined;
      throw thrown;
    });
    return this.#directory;
  }

  /** @throws AuthorityRefusal */
  async post(signer: Signer, message: Message): Promise<AcmeAnswer> {
    const { url, payload, signal } = message;
    for (let tries = 1; ; tries += 1) {
      const nonce = await this.#takeNonce(signal);
      const { key, account } = signer;
      const whose = account === undefined ? { jwk: key.jwk } : { kid: account };
      const body = signedMessage(key, { ...whose, nonce, url }, payload);
      const answer = await this.#requests.send({ method: "POST", url, body, signal });
      this.#nonce = nonceOf(answer) ?? this.#nonce;
      if (answer.status < 400) return answer;
      const isBadNonce = problemKind(answer) === "badNonce" && tries < nonceTriesMax;
      if (!isBadNonce) throw refusalOf(answer, Date.now());
    }
  }

  async #fetchDirectory(signal: AbortSignal): Promise<Directory> {
    const { directory: url } = this.#place;
    const answer = await this.#requests.send({ method: "GET", url, signal });
    if (answer.status === 200) return read(directorySchema, answer, "a directory of ACME");
    throw refusalOf(answer, Date.now());
  }

  async #takeNonce(signal: AbortSignal): Promise<string> {
    const kept = this.#nonce;
    this.#nonce = undefined;
    if (kept !== undefined) return kept;
    const { newNonce: url } = await this.directory(signal);
    const answer = await this.#requests.send({ method: "HEAD", url, signal });
    const nonce = nonceOf(answer);
    if (answer.status < 400 && nonce !== undefined) return nonce;
    throw refusalOf(answer, Date.now());
  }
}

class AcmeAccount implements AuthorityAccount {
  readonly #authority: AcmeAuthority;
  readonly #signer: Signer;

  constructor(authority: AcmeAuthority, signer: Signer) {
    this.#authority = authority;
    this.#signer = signer;
  }

  async order(host: string, signal: AbortSignal): Promise<AuthorityOrder> {
    const { newOrder: url } = await this.#authority.directory(signal);
    const payload = { identifiers: [{ type: "dns", value: host }] };
    const answer = await this.#post({ url, payload, signal });
    const { location } = answer.headers;
    if (location !== undefined) return orderOf(answer, location, Date.now());
    throw new AuthorityRefusal("the authority does not say where the order is");
  }

  async lookAtOrder(url: string, signal: AbortSignal): Promise<AuthorityOrder> {
    return orderOf(await this.#post({ url, signal }), url, Date.now());
  }

  async lookAtProof(url: string, signal: AbortSignal): Promise<AuthorityProof> {
    return proofOf(await this.#post({ url, signal }), Date.now());
  }

  keyAuthorization(token: string): string {
    return `${token}.${this.#signer.key.thumbprint}`;
  }

  async ready(url: string, signal: AbortSignal): Promise<void> {
    await this.#post({ url, payload: {}, signal });
  }

  async finalize(
    order: AuthorityOrder,
    { host, key }: { readonly host: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<AuthorityOrder> {
    const csr = Buffer.from(makeCertificateRequest([host], key)).toString("base64url");
    const answer = await this.#post({ url: order.finalizeUrl, payload: { csr }, signal });
    return orderOf(answer, order.url, Date.now());
  }

  async download({ certificateUrl }: AuthorityOrder, signal: AbortSignal): Promise<string> {
    if (certificateUrl === undefined) {
      throw new AuthorityRefusal("the authority does not say where the certificate is");
    }
    return (await this.#post({ url: certificateUrl, signal })).text;
  }

  #post(message: Message): Promise<AcmeAnswer> {
    return this.#authority.post(this.#signer, message);
  }
}

function nonceOf({ headers }: AcmeAnswer): string | undefined {
  const nonce = headers["replay-nonce"];
  return typeof nonce === "string" && /^[A-Za-z0-9_-]{1,500}$/.test(nonce) ? nonce : undefined;
}

function checkAuthority(pem: string | undefined): void {
  if (pem === undefined) return;
  try {
    void new X509Certificate(pem).fingerprint256;
  } catch (thrown) {
    throw new PropagitError("BAD_CERTIFICATE", "what was given with --ca is no certificate", {
      cause: thrown,
    });
  }
}
