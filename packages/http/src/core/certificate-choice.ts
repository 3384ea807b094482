/** Which certificate a visitor gets who names a host: one of that very name before one of a wildcard. */

/** A certificate and its key, as PEM; the chain follows the certificate. */
export interface TlsCertificate {
  /** Hosts it is for, lower-case: `shop.example.com`, or `*.example.com` for one label in front. */
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

/** Everything that TLS is spoken with; texts only, so that it can be sent to a worker as it is. */
export interface TlsMaterial {
  /** Of several for a name the first one counts. */
  readonly certificates: readonly TlsCertificate[];
  /** For visitors who name no host, or one that nothing is for; without it they are refused. */
  readonly fallback?: TlsCertificate;
  /** What proves to an authority that a host is ours (TLS-ALPN-01, RFC 8737). */
  readonly challenges: readonly TlsCertificate[];
  /**
   * 48 bytes as hex: what session tickets are made with. Those who share it resume one another's sessions;
   * changed now and then, so that it opens few of them.
   */
  readonly ticketKeys?: string;
}

export class CertificateChoice<C extends Pick<TlsCertificate, "names">> {
  readonly #byName = new Map<string, C>();

  constructor(certificates: readonly C[]) {
    for (const certificate of certificates) {
      for (const name of certificate.names) {
        if (!this.#byName.has(name)) this.#byName.set(name, certificate);
      }
    }
  }

  /** @param host lower-case */
  find(host: string): C | undefined {
    const exact = this.#byName.get(host);
    if (exact) return exact;
    const dot = host.indexOf(".");
    return dot > 0 ? this.#byName.get(`*${host.slice(dot)}`) : undefined;
  }
}
