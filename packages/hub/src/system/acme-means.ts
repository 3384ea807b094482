/** Certificates on the real world: keys and X.509 from `runtime`, authorities over the network. */
import { createHash } from "node:crypto";
import {
  makeCertificate,
  makeCertificateKey,
  readCertificateChain,
  readCertificatePair,
} from "@propagit/runtime";
import type { CertificateMeans } from "../certificate-means.js";
import { AcmeAuthority } from "./acme.js";

/** Of a proof; nobody looks at it but the authority, within seconds. */
const proofLifeMs = 7 * 86_400_000;

/** Remembers authorities, with their directories and nonces. */
export function nodeCertificateMeans(): CertificateMeans {
  const authorities = new Map<string, AcmeAuthority>();
  return {
    read: readCertificatePair,
    readAlone: readCertificateChain,
    makeKey: makeCertificateKey,
    makeProof: (host, keyAuthorization) => {
      const key = makeCertificateKey();
      const now = Date.now();
      const life = { notBefore: now - 86_400_000, notAfter: now + proofLifeMs };
      const acmeProof = createHash("sha256").update(keyAuthorization).digest();
      return { certificate: makeCertificate({ ...life, names: [host], key, acmeProof }), key };
    },
    authority: (place) => {
      const key = `${place.directory}\n${place.authority ?? ""}`;
      const authority = authorities.get(key) ?? new AcmeAuthority(place);
      authorities.set(key, authority);
      return authority;
    },
  };
}
