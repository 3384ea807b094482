/** What OpenSSL needs for a certificate, made when it is first used and kept while the certificate stays. */
import { createSecureContext, type SecureContext } from "node:tls";
import type { TlsCertificate } from "../core/certificate-choice.js";

export interface Secured extends TlsCertificate {
  /** Undefined when the pair cannot be used; `problem` says why. */
  readonly context: SecureContext | undefined;
  readonly problem: string | undefined;
}

export class SecureContexts {
  /** By certificate and key. */
  #kept = new Map<string, LazyContext>();

  /** Those of before that are still there stay as they are, with their sessions. */
  use(certificates: readonly TlsCertificate[]): readonly Secured[] {
    const kept = new Map<string, LazyContext>();
    const secured = certificates.map((certificate) => {
      const key = `${certificate.certificate}\n${certificate.key}`;
      const lazy = kept.get(key) ?? this.#kept.get(key) ?? new LazyContext(certificate);
      kept.set(key, lazy);
      return lazy.withNames(certificate.names);
    });
    this.#kept = kept;
    return secured;
  }
}

/** Ten thousand certificates would take seconds at once; most hosts are asked for one by one. */
class LazyContext {
  readonly #pair: TlsCertificate;
  #made: { context?: SecureContext; problem?: string } | undefined;

  constructor(pair: TlsCertificate) {
    this.#pair = pair;
  }

  withNames(names: readonly string[]): Secured {
    const { certificate, key } = this.#pair;
    const made = () => (this.#made ??= this.#make());
    return {
      names,
      certificate,
      key,
      get context() {
        return made().context;
      },
      get problem() {
        return made().problem;
      },
    };
  }

  #make(): { context?: SecureContext; problem?: string } {
    const { certificate: cert, key } = this.#pair;
    try {
      return {
        context: createSecureContext({
          cert,
          key,
          minVersion: "TLSv1.2",
          sessionIdContext: "propagit",
        }),
      };
    } catch (thrown) {
      return { problem: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }
}
