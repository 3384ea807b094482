/**
 * One certificate from an authority, from the order to the row in the ledger.
 *
 *     order ──> proofs: shown by every proxy ──> ready ──> checked ──> key kept ──> signed ──> downloaded
 *       |           \__ no proxy, or a silent one: the authority is not asked      |
 *       |__ its URL is a row                                                       |__ is a row
 *
 * A hub that ends anywhere goes on with the order in its next life, when the authority still has it, and
 * begins anew otherwise.
 */
import { PropagitError, type Challenge, type ChallengeKind } from "@propagit/protocol";
import { sleep } from "@propagit/runtime";
import type {
  AuthorityAccount,
  AuthorityOrder,
  AuthorityProof,
  CertificateMeans,
  ReadCertificate,
} from "./certificate-means.js";
import type { Certificates } from "./certificates.js";
import { AuthorityRefusal } from "./core/authority-refusal.js";
import type { OrderRow } from "./core/certificate-rows.js";
import type { HubWorld } from "./world.js";

export interface CertificateOrderParts {
  readonly world: Pick<HubWorld, "clock">;
  readonly means: CertificateMeans;
  readonly certificates: Certificates;
  readonly account: AuthorityAccount;
  readonly challenge: ChallengeKind;
  readonly signal: AbortSignal;
  /** The row as it is; changed by `keep`, which resolves when it is written. */
  readonly row: OrderRow;
  readonly keep: (change: {
    readonly order?: string | undefined;
    readonly hidden?: string | undefined;
  }) => Promise<void>;
}

/** Bound on proxies to take a challenge. They need milliseconds. */
const confirmMsMax = 10_000;
/** Bound on the authority to check, and to sign. */
const authorityMsMax = 180_000;
/** Between looks at the authority, when it does not say; doubled each time. */
const lookMs = { first: 500, most: 10_000 } as const;

export class CertificateOrder {
  readonly #parts: CertificateOrderParts;

  constructor(parts: CertificateOrderParts) {
    this.#parts = parts;
  }

  /** @throws AuthorityRefusal, TIMED_OUT, BAD_CERTIFICATE */
  async obtain(): Promise<ReadCertificate> {
    const { account, certificates, challenge, means, row, signal } = this.#parts;
    // Before the authority is bothered at all.
    if (certificates.answerers(challenge) === 0) throw nobodyAnswers(challenge);
    const order = await this.#open();
    for (const url of order.authorizations) await this.#prove(url);
    const ready = await this.#until("the order", order, (one) => one.status !== "pending");
    const key = await this.#key();
    const wish = { host: row.host, key };
    const asked = ready.status === "ready" ? await account.finalize(ready, wish, signal) : ready;
    const signed = await this.#until("the certificate", asked, ({ status }) =>
      ["valid", "invalid"].includes(status),
    );
    if (signed.status !== "valid") throw await this.#given(signed.error ?? "it was not signed");
    const read = means.read(await account.download(signed, signal), key);
    if (read.names.includes(row.host)) return read;
    throw await this.#given(`the certificate is for ${read.names.join(", ")}`);
  }

  /** The order of a former life, or a new one. */
  async #open(): Promise<AuthorityOrder> {
    const { account, row, signal, keep } = this.#parts;
    const former = row.order === undefined ? undefined : await this.#former(row.order);
    if (former && former.status !== "invalid") return former;
    const order = await account.order(row.host, signal);
    await keep({ order: order.url });
    return order;
  }

  async #former(url: string): Promise<AuthorityOrder | undefined> {
    const { account, signal } = this.#parts;
    try {
      return await account.lookAtOrder(url, signal);
    } catch (thrown) {
      if (thrown instanceof AuthorityRefusal && thrown.details.isGone) return undefined;
      throw thrown;
    }
  }

  async #prove(url: string): Promise<void> {
    const { account, signal } = this.#parts;
    const proof = await account.lookAtProof(url, signal);
    if (proof.status === "valid") return;
    const challenge = await this.#challengeOf(proof);
    const { token } = challenge.shown;
    const revision = this.#parts.certificates.show(challenge.shown);
    try {
      await this.#confirm(revision);
      // One that was said to be ready in a former life is being checked already.
      if (challenge.status === "pending") await account.ready(challenge.url, signal);
      const checked = await this.#untilChecked(url);
      if (checked.status === "valid") return;
      const why = checked.error ?? `it is ${checked.status}`;
      throw await this.#given(`the authority does not believe that the host is ours: ${why}`);
    } finally {
      this.#parts.certificates.hideChallenge(token);
    }
  }

  async #challengeOf(
    proof: AuthorityProof,
  ): Promise<{ url: string; status: string; shown: Challenge }> {
    const { account, challenge: kind, means, row } = this.#parts;
    if (proof.status !== "pending") throw await this.#given(proof.error ?? `it is ${proof.status}`);
    const offered = proof.challenges.find((one) => one.kind === kind);
    if (!offered) {
      const kinds = proof.challenges.map((one) => one.kind).join(", ");
      throw new AuthorityRefusal(
        `the authority offers no ${kind} for it, but ${kinds || "nothing"}`,
      );
    }
    const { token, url, status } = offered;
    const keyAuthorization = account.keyAuthorization(token);
    const pair = kind === "tls-alpn-01" ? means.makeProof(row.host, keyAuthorization) : {};
    return { url, status, shown: { host: row.host, kind, token, keyAuthorization, ...pair } };
  }

  /** The authority may ask any of the proxies, so all must know. */
  async #confirm(revision: number): Promise<void> {
    const { certificates, challenge, signal } = this.#parts;
    const bounds = { limitMs: confirmMsMax, signal };
    const { asked, silent } = await certificates.confirmed(revision, challenge, bounds);
    if (asked === 0) throw nobodyAnswers(challenge);
    if (silent.length === 0) return;
    const who = silent.join(", ");
    throw new AuthorityRefusal(`proxies did not take the challenge in time: ${who}`, {
      isOurs: true,
    });
  }

  /** Of a former try when there is one: it may be what is being signed. */
  async #key(): Promise<string> {
    const { certificates, keep, means, row } = this.#parts;
    if (row.hidden !== undefined) return certificates.reveal(row.hidden);
    const key = means.makeKey();
    await keep({ hidden: certificates.hide(key) });
    return key;
  }

  #until(
    what: string,
    order: AuthorityOrder,
    isDone: (order: AuthorityOrder) => boolean,
  ): Promise<AuthorityOrder> {
    const { account, signal } = this.#parts;
    return this.#poll(what, isDone, () => account.lookAtOrder(order.url, signal), order);
  }

  #untilChecked(url: string): Promise<AuthorityProof> {
    const { account, signal } = this.#parts;
    const look = () => account.lookAtProof(url, signal);
    return this.#poll("the check of the host", ({ status }) => status !== "pending", look);
  }

  async #poll<T extends { readonly retryAfterMs: number | undefined }>(
    what: string,
    isDone: (seen: T) => boolean,
    look: () => Promise<T>,
    first?: T,
  ): Promise<T> {
    const { clock } = this.#parts.world;
    const deadline = clock.monotonic() + authorityMsMax;
    let seen = first ?? (await look());
    for (let waitMs: number = lookMs.first; !isDone(seen); waitMs = waitMs * 2) {
      if (clock.monotonic() >= deadline) {
        const limit = authorityMsMax / 1_000;
        throw new PropagitError("TIMED_OUT", `${what} took the authority longer than ${limit} s`);
      }
      const wished = Math.min(seen.retryAfterMs ?? waitMs, authorityMsMax);
      const restMs = Math.max(wished, Math.min(waitMs, lookMs.most));
      await sleep(clock, restMs, this.#parts.signal);
      this.#parts.signal.throwIfAborted();
      seen = await look();
    }
    return seen;
  }

  /** The order is over, and the next try makes another. */
  async #given(message: string): Promise<AuthorityRefusal> {
    await this.#parts.keep({ order: undefined, hidden: undefined });
    return new AuthorityRefusal(message);
  }
}

function nobodyAnswers(challenge: ChallengeKind): AuthorityRefusal {
  const tls = challenge === "tls-alpn-01" ? " that speaks TLS" : "";
  const message = `no proxy${tls} is connected that could answer the authority`;
  return new AuthorityRefusal(message, { isOurs: true });
}
