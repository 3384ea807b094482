/** An authority of the test's own, and what it gives. */
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";
import type { TlsCertificate } from "../../src/core/certificate-choice.js";

const dayMs = 86_400_000;

export interface TestAuthority {
  readonly certificate: string;
  give(...names: readonly string[]): TlsCertificate;
}

export function makeAuthority(name = "propagit test authority"): TestAuthority {
  const key = makeCertificateKey();
  const notBefore = Date.now() - dayMs;
  const notAfter = Date.now() + dayMs;
  const life = { notBefore, notAfter };
  const certificate = makeCertificate({ ...life, names: [], key, authority: name });
  return {
    certificate,
    give: (...names) => {
      const own = makeCertificateKey();
      const wish = { ...life, names, key: own, issuer: { name, key } };
      return { names, certificate: makeCertificate(wish), key: own };
    },
  };
}
