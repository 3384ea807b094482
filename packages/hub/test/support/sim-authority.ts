/** An authority on virtual time: checks what proxies show, signs at once, and refuses when it is told to. */
import type { Challenge, ChallengeKind } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import type {
  Authority,
  AuthorityAccount,
  AuthorityOrder,
  AuthorityProof,
  CertificateMeans,
  ReadCertificate,
} from "../../src/certificate-means.js";
import { AuthorityRefusal, type RefusalDetails } from "../../src/core/authority-refusal.js";

interface SimOrder {
  readonly host: string;
  status: AuthorityOrder["status"];
  proof: AuthorityProof["status"];
}

export class SimAuthority implements Authority {
  /** When each host was ordered. */
  readonly ordered: { readonly host: string; readonly at: number }[] = [];
  /** Requests of any kind. */
  requests = 0;
  /** Orders that are not over, now and at most. */
  openMax = 0;
  lifeMs = 90 * 86_400_000;
  /** How long a check takes. */
  checkMs = 1_000;
  /** What is answered to the next orders, in place of one. */
  refuses: { readonly message: string; readonly details: RefusalDetails } | undefined;
  /** What visitors of a host see at a challenge's place. */
  shown: (host: string) => Challenge | undefined = () => undefined;
  kinds: readonly ChallengeKind[] = ["http-01", "tls-alpn-01"];
  readonly #clock: Clock;
  readonly #orders = new Map<string, SimOrder>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get means(): CertificateMeans {
    let keys = 0;
    return {
      makeKey: () => `key ${(keys += 1)}`,
      makeProof: (host) => ({ certificate: `proof of ${host}`, key: "key of a proof" }),
      authority: () => this,
      read: (certificate, key): ReadCertificate => ({ ...readAlone(certificate), key }),
      readAlone,
    };
  }

  /** Forgets all orders, as authorities do after some days. */
  forget(): void {
    this.#orders.clear();
  }

  terms(): Promise<string | undefined> {
    return Promise.resolve("https://authority.test/terms");
  }

  enrol(): Promise<string> {
    return Promise.resolve("https://authority.test/account/1");
  }

  account(): AuthorityAccount {
    return {
      keyAuthorization: (token) => `${token}.thumb`,
      order: (host) => this.#answer(() => this.#order(host)),
      lookAtOrder: (url) => this.#answer(() => this.#view(url)),
      lookAtProof: (url) => this.#answer(() => this.#proof(url)),
      ready: (url) => this.#answer(() => this.#check(url)),
      finalize: ({ url }) =>
        this.#answer(() => {
          this.#of(url).status = "valid";
          return this.#view(url);
        }),
      download: ({ url }) =>
        this.#answer(() => {
          const now = this.#clock.now();
          return `${this.#of(url).host} ${now} ${now + this.lifeMs}`;
        }),
    };
  }

  async #answer<T>(work: () => T): Promise<T> {
    this.requests += 1;
    await new Promise<void>((resolve) => this.#clock.after(20, resolve));
    return work();
  }

  #order(host: string): AuthorityOrder {
    this.ordered.push({ host, at: this.#clock.now() });
    if (this.refuses) throw new AuthorityRefusal(this.refuses.message, this.refuses.details);
    const url = `order ${this.ordered.length}`;
    this.#orders.set(url, { host, status: "pending", proof: "pending" });
    const open = [...this.#orders.values()].filter(({ status }) => status === "pending");
    this.openMax = Math.max(this.openMax, open.length);
    return this.#view(url);
  }

  #view(url: string): AuthorityOrder {
    const { status } = this.#of(url);
    return {
      url,
      status,
      authorizations: [url],
      finalizeUrl: url,
      certificateUrl: url,
      error: undefined,
      retryAfterMs: undefined,
    };
  }

  #proof(url: string): AuthorityProof {
    const { host, proof } = this.#of(url);
    return {
      status: proof,
      host,
      challenges: this.kinds.map((kind) => ({
        kind,
        url,
        token: `token-${kind}-${url.replace(" ", "-")}`,
        status: "pending",
      })),
      error: proof === "invalid" ? "nothing is shown (unauthorized)" : undefined,
      retryAfterMs: undefined,
    };
  }

  #check(url: string): void {
    this.#clock.after(this.checkMs, () => {
      const order = this.#orders.get(url);
      if (!order) return;
      const isShown = this.shown(order.host) !== undefined;
      order.proof = isShown ? "valid" : "invalid";
      order.status = isShown ? "ready" : "invalid";
    });
  }

  #of(url: string): SimOrder {
    const order = this.#orders.get(url);
    if (order) return order;
    throw new AuthorityRefusal(`the authority refuses: there is no ${url}`, { isGone: true });
  }
}

function readAlone(certificate: string): Omit<ReadCertificate, "key"> {
  const [names = "", notBefore, notAfter] = certificate.split(" ");
  const life = { notBefore: Number(notBefore), notAfter: Number(notAfter) };
  return { certificate, names: names.split(","), issuer: "Sim", ...life };
}
