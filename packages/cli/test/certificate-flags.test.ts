import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateSummary } from "@propagit/protocol";
import {
  parseCertificate,
  parseHostPattern,
  parseWholeHost,
  tlsOf,
} from "../src/certificate-flags.js";
import { formatCertificates } from "../src/output/certificates.js";

describe("flags of certificates", () => {
  it("name hosts, certificate and key", () => {
    assert.deepEqual(parseCertificate("Shop.test,*.shop.test=a.pem,a.key"), {
      hosts: ["shop.test", "*.shop.test"],
      certificate: "a.pem",
      key: "a.key",
    });
    const both = { hosts: [], certificate: "both.pem", key: "both.pem" };
    assert.deepEqual(parseCertificate("both.pem"), both);
    assert.deepEqual(parseCertificate("*=a.pem,a.key").hosts, ["*"]);
    for (const text of ["", "=", "a.test=", "a.test=a.pem,b,c", "a b=a.pem", "*.*=a.pem"]) {
      assert.throws(() => parseCertificate(text), { code: "BAD_USAGE" }, text);
    }
  });

  it("take whole hosts, and patterns of them", () => {
    assert.equal(parseWholeHost("Shop.Example.com."), "shop.example.com");
    assert.equal(parseHostPattern("*.Test"), "*.test");
    assert.equal(parseHostPattern("*"), "*");
    for (const text of ["shop", "*.shop.test", "a..b", "-a.test", "http://a.test", ""]) {
      assert.throws(() => parseWholeHost(text), { code: "BAD_USAGE" }, text);
    }
    assert.throws(() => parseHostPattern("*."), { code: "BAD_USAGE" });
  });

  it("mean nothing without a port for TLS", () => {
    assert.throws(() => tlsOf({ certificates: "live" }), { code: "BAD_USAGE" });
    assert.deepEqual(tlsOf({}), {});
    const certificates = { pairs: [], folder: "live" };
    assert.deepEqual(tlsOf({ tlsPort: 443, certificates: "live" }), { tlsPort: 443, certificates });
  });
});

describe("the list of certificates", () => {
  const day = 86_400_000;
  const one: CertificateSummary = { names: ["a.test"], source: "acme", state: "valid", since: 0 };

  it("says until when, when next, and what went wrong", () => {
    const text = formatCertificates(
      [
        { ...one, notAfter: 60 * day, nextAt: 30 * day, issuer: "Sim" },
        { ...one, names: ["b.test"], state: "failing", nextAt: 120_000, error: "no\u001b[1m way" },
      ],
      undefined,
      0,
    );
    const [head = "", first = "", second = "", why = ""] = text.split("\n");
    assert.match(head, /^HOSTS +STATE +GOOD FOR +NEXT/);
    assert.match(first, /^a\.test +valid +60d +30d +Sim +acme/);
    assert.match(second, /^b\.test +failing +- +2m/);
    assert.match(why, /^b\.test: no.* way$/);
    assert.ok(!text.includes("\u001b[1m"));
  });

  it("says what to do when there are none", () => {
    assert.match(formatCertificates([], undefined, 0), /^no certificates yet; add one: propagit/);
  });
});
