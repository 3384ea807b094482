import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import {
  makeCertificate,
  makeCertificateKey,
  makeCertificateRequest,
  readCertificatePair,
} from "../../src/index.js";

const life = { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2061, 1, 3, 4, 5, 6) };
const authority = { name: "an authority", key: makeCertificateKey() };
const own = makeCertificate({ ...life, names: [], key: authority.key, authority: authority.name });
const key = makeCertificateKey();
const names = ["shop.example.com", "*.example.com", "127.0.0.1"];
const leaf = makeCertificate({ ...life, names, key, issuer: authority });

function reasonOf(certificate: string, itsKey: string): string {
  try {
    readCertificatePair(certificate, itsKey);
  } catch (thrown) {
    assert.ok(thrown instanceof PropagitError && thrown.code === "BAD_CERTIFICATE", String(thrown));
    return thrown.message;
  }
  return "none";
}

describe("a certificate and its key", () => {
  it("are read with names, issuer and life", () => {
    const pair = readCertificatePair(leaf + own, key);
    assert.deepEqual(pair, {
      certificate: leaf + own,
      key,
      names: ["shop.example.com", "*.example.com", "127.0.0.1"],
      issuer: "an authority",
      ...life,
    });
    assert.deepEqual(readCertificatePair(`Bag Attributes\n${leaf}\nmore\n${own}`, key), pair);
  });

  it("are signed by whom they say", () => {
    const [ca, certificate] = [new X509Certificate(own), new X509Certificate(leaf)];
    assert.ok(certificate.verify(ca.publicKey));
    assert.ok(certificate.checkIssued(ca));
    assert.ok(ca.ca);
    assert.equal(certificate.ca, false);
  });

  it("are refused with the reason", () => {
    const other = makeCertificateKey();
    const nameless = makeCertificate({ ...life, names: [], key });
    const belongs = "the key does not belong to the certificate";
    assert.match(reasonOf("", key), /no certificate in it/);
    assert.match(reasonOf(leaf.slice(0, 200), key), /no certificate in it/);
    assert.match(reasonOf(leaf.replace("MII", "AAA"), key), /cannot be read/);
    assert.match(reasonOf(leaf, ""), /no key in it/);
    assert.match(reasonOf(leaf, leaf), /no key in it/);
    assert.equal(reasonOf(leaf, other), belongs);
    assert.match(reasonOf(own + leaf, key), /not the first one/);
    assert.equal(reasonOf(nameless, key), "the certificate names no host (subjectAltName)");
    const locked = key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert.match(reasonOf(leaf, locked), /locked with a passphrase/);
  });

  it("carry what proves a host to an authority, as OpenSSL reads it", (context) => {
    const acmeProof = createHash("sha256").update("x").digest();
    const proving = makeCertificate({ ...life, names: ["a.test"], key, acmeProof });
    const text = openssl(["x509", "-noout", "-text"], proving);
    if (text === undefined) return context.skip("openssl is not here");
    assert.match(text, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical/);
    assert.match(text, /Not After : Feb {2}3 04:05:06 2061 GMT/);
    assert.match(text, /DNS:a\.test/);
  });

  it("are asked for with a request that OpenSSL verifies", (context) => {
    const request = makeCertificateRequest(["a.test", "b.test"], key);
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(request).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    const text = openssl(["req", "-noout", "-text", "-verify"], pem);
    if (text === undefined) return context.skip("openssl is not here");
    assert.match(text, /DNS:a\.test, DNS:b\.test/);
    assert.match(text, /ASN1 OID: prime256v1/);
  });
});

/** Undefined where it is missing. @throws when it refuses */
function openssl(args: readonly string[], input: string): string | undefined {
  try {
    return execFileSync("openssl", args, { input, encoding: "utf8" });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}
